//! Notes, tasks and appointments, as the core sees them.

use crate::store::engagements::{self, EngagementRow, LinkedContact, NewTold, Standing, WrittenNote};
use domain::{SyncId, WorkspaceId};
use time::OffsetDateTime;

tables! {
    /// Notes, tasks and appointments of linked contacts, and the subscription notes they became.
    trait Engagements {
        fn engagement(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            kind: &str,
            remote_id: &str,
        ) -> Option<EngagementRow> = engagements::find;

        /// Those of a contact, by kind, the latest of each first; bounded.
        fn engagements_of_contact(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            contact_id: &str,
        ) -> Vec<EngagementRow> = engagements::of_contact;

        /// Keeps what GoHighLevel said, unless something later was kept already or it is deleted; returns what stands
        /// then.
        fn keep_told(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            new: NewTold<'_>,
        ) -> EngagementRow = engagements::keep_told;

        /// Marks one as deleted and forgets what was said of it; the first time counts. `None`: it is not known.
        fn mark_engagement_deleted(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            which: (&str, &str),
            at: OffsetDateTime,
        ) -> Option<EngagementRow> = engagements::mark_deleted;

        /// Chooses the subscription, unless one was chosen before; returns the one that counts.
        fn choose_subscription(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            which: (&str, &str),
            subscription_id: &str,
        ) -> Option<String> = engagements::choose;

        /// Forgets subscription and note of one whose note is gone, so that it is written anew. False: it is not one of
        /// those.
        fn release_engagement(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            which: (&str, &str),
        ) -> bool = engagements::release;

        /// Says how one stands.
        fn set_engagement_standing(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            standing: Standing<'_>,
        ) -> () = engagements::set_standing;

        /// Keeps what was written, and where.
        fn keep_written_note(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            note: WrittenNote<'_>,
        ) -> () = engagements::keep_written;

        /// Linked contacts that are there, by id after the one given, at most so many; with `since`, only those linked
        /// from then on.
        fn linked_contacts(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            since: Option<OffsetDateTime>,
            page: (&str, i64),
        ) -> Vec<LinkedContact> = engagements::linked_contacts;

        /// How many stand so.
        fn count_engagements(workspace_id: WorkspaceId, sync_id: SyncId, state: &str) -> i64 = engagements::count;
    }
}
