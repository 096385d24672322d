//! The fuse of webhooks: many deletions heard of within an hour are not carried out on their word.

use super::Look;
use crate::{Result, jobs::Ending, sync::Planned};
use domain::{Side, fuse, outcome::Outcome, plan::Action};
use time::Duration;

/// What counts as at once.
const WHILE: Duration = Duration::hours(1);

impl Look<'_> {
    /// Holds the parting of a pair back when too many were parted lately. `None`: go on.
    pub(super) async fn held(&self, planned: &Planned) -> Result<Option<Ending>> {
        let (Action::Unlink, Some(link)) = (planned.item.action, &planned.link) else { return Ok(None) };
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let since = self.engine.clock().now() - WHILE;
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        let parted = number(conn.links_parted_since(workspace_id, sync_id, since).await?);
        let active = number(conn.count_links(workspace_id, sync_id).await?);
        let Some(reason) = fuse::blown_by_webhooks(active, parted) else { return Ok(None) };
        let words = format!(
            "Held: {}, but {}. The pair stays as it is; the next full run shows all of them and asks before it parts them.",
            planned.item.reason.words, reason.words
        );
        conn.park_link(workspace_id, link.id, &words).await?;
        for (side, id) in [(Side::Highlevel, planned.contact_id()), (Side::Chargify, planned.customer_id())] {
            if let Some(id) = id {
                let verdict = [(id.to_owned(), "waiting", words.clone())];
                conn.set_verdicts(workspace_id, sync_id, side, &verdict).await?;
            }
        }
        drop(conn);
        self.close("done", Some(Outcome::Parked), &words).await.map(Some)
    }
}
