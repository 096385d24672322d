//! Links, as the core sees them.

use crate::store::links::{self, LinkRow, MissedRow, NewLink, RelinkedRow};
use domain::{LinkId, RunId, SyncId, WorkspaceId};
use serde_json::Value as Json;
use time::OffsetDateTime;

tables! {
    /// Which contact is which customer, and what both agreed on last.
    trait Links {
        /// False: one of the two is linked already.
        fn insert_link(new: &NewLink<'_>) -> bool = links::insert;

        /// Sets the base after a write or an agreement; nothing happens when the link has ended.
        fn settle_link(
            workspace_id: WorkspaceId,
            link_id: LinkId,
            base: &Json,
            at: OffsetDateTime,
        ) -> () = links::settle;

        /// Takes over pairs of the base that moved, and leaves the instant at which the link was settled; nothing happens
        /// when it has ended.
        fn move_base(workspace_id: WorkspaceId, link_id: LinkId, moved: &Json) -> () = links::move_base;

        /// Ends the link. False: it had ended before.
        fn unlink(workspace_id: WorkspaceId, link_id: LinkId, reason: &str, at: OffsetDateTime) -> bool = links::unlink;

        /// Puts the last link of a record that is there again back in force, with what was agreed on: if its partner is
        /// there, neither belongs to anybody else or did since, and no person decided about either since.
        fn relink(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            of: (Option<&str>, Option<&str>),
            at: OffsetDateTime,
        ) -> Option<RelinkedRow> = links::relink;

        /// Leaves the link as it is until a person has looked at it; one that has ended stays ended.
        fn park_link(workspace_id: WorkspaceId, link_id: LinkId, reason: &str) -> () = links::park;

        /// How many links of a sync ended after an instant.
        fn links_parted_since(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            since: OffsetDateTime,
        ) -> i64 = links::parted_since;

        /// Active links that involve any of the contacts or customers.
        fn links_of_records(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            contact_ids: &[String],
            customer_ids: &[String],
        ) -> Vec<LinkRow> = links::of_records;

        /// Records of linked pairs that a run has not seen although they are not known to be gone, contacts last.
        fn missed_records(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
            limit: i64,
        ) -> Vec<MissedRow> = links::missed;

        /// Active links whose contact is gone, by contact after `after`.
        fn links_without_contact(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            after: &str,
            limit: i64,
        ) -> Vec<LinkRow> = links::without_contact;

        /// How many links of a sync are active.
        fn count_links(workspace_id: WorkspaceId, sync_id: SyncId) -> i64 = links::count;

        /// Drops what was agreed on under these rules from every active link; returns how many links had any of it.
        fn forget_rules(workspace_id: WorkspaceId, sync_id: SyncId, rules: &[String]) -> u64 = links::forget_rules;
    }
}
