//! The copies of both sides, as the core sees them.

use crate::store::{
    links::MissedRow,
    records::{self, PlannedPair, ReadMark, RecordBatch, RecordRow},
};
use domain::{RunId, Side, SyncId, WorkspaceId, deletes::GoneBy};
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// The copies of both sides, as last read.
    trait Records {
        /// Inserts or refreshes copies. An older reading never replaces a newer one, and none brings back a record that is
        /// gone: lists and webhooks may be late.
        fn upsert_records(mark: ReadMark, batch: &RecordBatch) -> () = records::upsert;

        /// Marks copies as seen by a run, also those that it had no need to read. The mark's own run does not count.
        fn mark_records_seen(mark: ReadMark, run_id: RunId, ids: &[String]) -> () = records::mark_seen;

        /// The copies of the named records of one side, in no order.
        fn records_by_ids(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            side: Side,
            ids: &[String],
        ) -> Vec<RecordRow> = records::by_ids;

        /// Live contacts a run has seen, after `after` in the order of their ids.
        fn contacts_seen(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
            after: &str,
            limit: i64,
        ) -> Vec<RecordRow> = records::contacts_seen;

        /// Marks as seen the contacts that customers seen by the run belong to or may belong to, and those that are not
        /// in step; returns how many.
        fn mark_partners_of_customers(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
        ) -> u64 = records::mark_partners_of_customers;

        /// Live customers that could be partners of contacts with these references (in lower case), e-mails and phones,
        /// by id.
        fn candidate_customers(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            references: &[String],
            emails: &[String],
            phones: &[String],
        ) -> Vec<RecordRow> = records::candidates;

        /// How many live contacts have each of the e-mail addresses, in no order.
        fn contacts_sharing_email(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            emails: &[String],
        ) -> Vec<(String, i64)> = records::contacts_sharing_email;

        /// Phone and name of the live contacts that have one of the phones, in no order.
        fn contact_names_by_phone(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            phones: &[String],
        ) -> Vec<(String, String)> = records::contact_names_by_phone;

        /// Live contacts a customer may belong to: the one its reference names first, then those with its e-mail, then those
        /// with its phone number and name.
        fn contacts_for_customer(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            customer: &RecordRow,
        ) -> Vec<String> = records::contacts_for_customer;

        /// Live customers a run has seen that no contact is linked to, planned for, or in question for, by id after
        /// `after`.
        fn lone_customers(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
            after: &str,
            limit: i64,
        ) -> Vec<RecordRow> = records::lone_customers;

        /// Customers that were there when last read.
        fn count_customers(workspace_id: WorkspaceId, sync_id: SyncId) -> i64 = records::count_customers;

        /// Says how records stand after planning or writing: id, verdict, words.
        fn set_verdicts(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            side: Side,
            rows: &[(String, &'static str, String)],
        ) -> () = records::set_verdicts;

        /// The record is proved gone at the service. What is known of it stays.
        fn mark_record_gone(mark: ReadMark, remote_id: &str, how: GoneBy) -> () = records::mark_gone;

        /// The record itself was read: it is there again. False: it was not known to be gone before that reading.
        fn revive_record(mark: ReadMark, remote_id: &str) -> bool = records::revive;

        /// Records that were gone before an instant and that a list read by the run held all the same, contacts last.
        fn returned_records(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
            before: OffsetDateTime,
            limit: i64,
        ) -> Vec<MissedRow> = records::returned;

        /// Takes away what is known of records that went before an instant and belong to no active link, the oldest first.
        /// Their ended links keep no value, but whose end they met. Returns how many, by workspace.
        fn purge_tombstones(before: OffsetDateTime, limit: i64) -> Vec<(Uuid, i64)> = records::purge;

        /// Whether a copy of the pair was read, or its link settled, after an instant, or either is otherwise than planned.
        fn pair_changed_since(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            pair: &PlannedPair,
            since: OffsetDateTime,
        ) -> bool = records::pair_changed_since;

        /// Whether a customer with that e-mail address was read after that instant.
        fn customer_came_since(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            email: &str,
            since: OffsetDateTime,
        ) -> bool = records::customer_came_since;

        /// Tells the store that there are many more records now. Changes nothing.
        fn analyze_records() -> () = records::analyze;
    }
}
