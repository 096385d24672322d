//! What was missed and how it is fetched. Chargify keeps a log: what it could not deliver is sent again on request, and our
//! intake drops what it knows. GoHighLevel keeps nothing: what changed since the last reading is read by a run.

use super::{
    connection_of, is_chargify, line,
    register::{find_ours, is_our_address},
    syncs_of,
};
use crate::{
    Actor, Approval, Engine, EngineError, Result, Runner,
    audit::AuditAction,
    clients::{
        CallContext, Chargify, Priority,
        chargify::{Endpoint, LogStatus, Logged},
        highlevel::SearchPage,
    },
    store::{connections::ConnectionRow, watches::WatchRow},
    sync::SyncContext,
};
use domain::{
    limits,
    view::{EndpointState, WebhooksView},
};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// What the site's endpoints and its log say.
pub(super) struct Looked {
    /// Our endpoint; `None`: the site has none.
    pub(super) ours: Option<Endpoint>,
    /// Webhooks that were not delivered to us and can be sent again.
    pub(super) missed: Vec<i64>,
}

/// Which of the undelivered are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// All: a person asks.
    All,
    /// Not those that were sent again before and failed again: every failure counts towards the end of the endpoint.
    Untried,
}

impl Engine {
    /// Counts what was missed and keeps the number, without fetching anything: one call for the endpoints and a page or
    /// more of the log for each way to be undelivered at Chargify, one search for each sync at GoHighLevel.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] when the credential is missing; [`EngineError::Upstream`];
    /// database errors.
    pub async fn look_for_missed(&self, by: &Runner, key: &str) -> Result<WebhooksView> {
        let mut conn = self.store().session().await?;
        let row = connection_of(&mut *conn, by.workspace_id(), key).await?;
        drop(conn);
        let (missed, ours) = if is_chargify(&row) {
            let looked = self.look_at_chargify(&row, &by.actor().key(), Wish::All).await?;
            (looked.missed.len() as u64, Some(looked.ours))
        } else {
            (self.changed_contacts(&row, &by.actor().key()).await?, None)
        };
        let at = self.clock().now();
        let change = |known: &mut WatchRow| {
            (known.missed, known.missed_at) = (i64::try_from(missed).unwrap_or(i64::MAX), Some(at));
            if let Some(ours) = &ours {
                note_endpoint(known, ours.as_ref(), at);
            }
        };
        self.note_watch(&row, change, None).await?;
        let mut conn = self.store().session().await?;
        self.webhooks_view(&mut *conn, row).await
    }

    /// Fetches what was missed and says line by line what was done: at Chargify undelivered webhooks are sent again, a
    /// thousand a call; for GoHighLevel a run of the changes is started.
    ///
    /// # Errors
    /// As [`Engine::look_for_missed`]; [`EngineError::Invalid`] too when Chargify does not send to our endpoint.
    pub async fn fetch_missed(&self, by: &Runner, key: &str) -> Result<Vec<String>> {
        let mut conn = self.store().session().await?;
        let row = connection_of(&mut *conn, by.workspace_id(), key).await?;
        drop(conn);
        if !is_chargify(&row) {
            return self.read_changes(by.actor(), &row).await.map(|read| read.lines);
        }
        let looked = self.look_at_chargify(&row, &by.actor().key(), Wish::All).await?;
        match looked.ours.as_ref().map(|ours| ours.state) {
            None => return Err(EngineError::invalid("webhooks: Chargify has no endpoint of ours; register it first")),
            Some(state) if state.is_stopped() => {
                return Err(EngineError::invalid(format!(
                    "webhooks: the endpoint is {}, so nothing would be sent; register it again first",
                    state.as_str()
                )));
            }
            Some(_) => {}
        }
        let count = self.send_again(by.actor(), &row, &looked).await?;
        Ok(vec![match count {
            0 => "Nothing was missed.".to_owned(),
            1 => "Chargify sends 1 webhook again.".to_owned(),
            count => format!("Chargify sends {count} webhooks again."),
        }])
    }

    /// Reads the endpoints of the site and what its log holds undelivered for ours.
    pub(super) async fn look_at_chargify(&self, row: &ConnectionRow, cause: &str, wish: Wish) -> Result<Looked> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let client = self.client_for_chargify(workspace_id, connection_id).await?;
        let context = CallContext::new(Priority::Background, cause);
        let url = super::address(&self.settings().public_url, row);
        let endpoints = client.endpoints(&context).await?;
        let Some(ours) = find_ours(endpoints.clone(), &url) else {
            return Ok(Looked { ours: None, missed: Vec::new() });
        };
        let mut conn = self.store().session().await?;
        let known = conn.watch(workspace_id, connection_id).await?;
        drop(conn);
        let known = known.unwrap_or_else(|| WatchRow::blank(workspace_id, connection_id));
        let now = self.clock().now();
        let sieve = Sieve { url: &url, others: &others(&endpoints, &ours), known: &known, wish, now };
        let mut missed = BTreeSet::new();
        for status in [LogStatus::Failed, LogStatus::Paused, LogStatus::Pending] {
            missed.extend(sieve.undelivered(&client, &context, status).await?);
        }
        let ids: Vec<String> = missed.iter().map(i64::to_string).collect();
        let mut conn = self.store().session().await?;
        let received: BTreeSet<String> =
            conn.received_webhooks(workspace_id, connection_id, &ids).await?.into_iter().collect();
        missed.retain(|id| !received.contains(&id.to_string()));
        Ok(Looked { ours: Some(ours), missed: missed.into_iter().collect() })
    }

    /// Has them sent again, and says how many in the trail.
    pub(super) async fn send_again(&self, by: &Actor, row: &ConnectionRow, looked: &Looked) -> Result<u64> {
        let client = self.client_for_chargify(row.workspace_id(), row.connection_id()).await?;
        let context = CallContext::new(Priority::Background, by.key());
        let mut asked = 0;
        let mut refused = None;
        for ids in looked.missed.chunks(limits::CHARGIFY_REPLAY) {
            if let Err(error) = client.replay(&context, ids).await {
                refused = Some(error);
                break;
            }
            asked += ids.len();
        }
        let (at, count) = (self.clock().now(), i64::try_from(asked).unwrap_or(i64::MAX));
        let left = i64::try_from(looked.missed.len()).unwrap_or(i64::MAX).saturating_sub(count);
        let change = |known: &mut WatchRow| {
            (known.missed, known.missed_at) = (left, Some(at));
            note_endpoint(known, looked.ours.as_ref(), at);
            if count > 0 {
                (known.fetched, known.fetched_at) = (count, Some(at));
            }
        };
        let told = (count > 0).then(|| line(by, AuditAction::WebhooksFetched, row, at).with("count", count));
        self.note_watch(row, change, told).await?;
        refused.map_or(Ok(asked as u64), |error| Err(error.into()))
    }

    /// How many contacts changed since the syncs of the location last read what changes.
    async fn changed_contacts(&self, row: &ConnectionRow, cause: &str) -> Result<u64> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let mut conn = self.store().session().await?;
        let syncs = syncs_of(&mut *conn, workspace_id, connection_id).await?;
        drop(conn);
        let client = self.client_for_highlevel(workspace_id, connection_id).await?;
        let context = CallContext::new(Priority::Background, cause);
        let mut changed = 0;
        for seen_until in syncs.iter().filter_map(|sync| sync.highlevel_seen_until) {
            let page = SearchPage { page_limit: 1, after: None, updated_since: Some(seen_until) };
            let answer = client.search(&context, &page).await?;
            changed = answer.total.unwrap_or(answer.records.len() as u64).max(changed);
        }
        Ok(changed)
    }

    /// Starts a run of what changed for every sync of the connection that ever read everything.
    pub(super) async fn read_changes(&self, by: &Actor, row: &ConnectionRow) -> Result<ChangesRead> {
        let mut conn = self.store().session().await?;
        let syncs = syncs_of(&mut *conn, row.workspace_id(), row.connection_id()).await?;
        drop(conn);
        let mut read = ChangesRead { lines: Vec::new(), all_started: true };
        let mut started = 0_u64;
        for sync in syncs {
            let name = sync.name.clone();
            if sync.highlevel_seen_until.is_none() || sync.chargify_event_id.is_none() {
                read.lines.push(format!("{name} never read everything: start a full run of it."));
                continue;
            }
            let context = SyncContext::of(sync)?;
            match self.queue_run(by, &context, "changes", None, Approval::WhenFused).await {
                Ok(number) => {
                    started += 1;
                    read.lines.push(format!("Run {number} of {name} reads what changed."));
                }
                Err(EngineError::AlreadyDone) => {
                    read.all_started = false;
                    read.lines.push(format!("A run of {name} goes on already; fetch again when it has ended."));
                }
                Err(error) => return Err(error),
            }
        }
        if read.lines.is_empty() {
            read.lines.push("No sync of this connection is switched on.".to_owned());
        }
        if started > 0 {
            let at = self.clock().now();
            let told = line(by, AuditAction::WebhooksFetched, row, at).with("runs", started);
            let change = |known: &mut WatchRow| (known.missed, known.missed_at, known.fetched_at) = (0, None, Some(at));
            self.note_watch(row, change, Some(told)).await?;
        }
        Ok(read)
    }
}

/// What came of reading changes.
pub(super) struct ChangesRead {
    pub(super) lines: Vec<String>,
    /// No sync was held up by another run of it.
    pub(super) all_started: bool,
}

/// Writes down how our endpoint stands.
pub(super) fn note_endpoint(known: &mut WatchRow, ours: Option<&Endpoint>, at: OffsetDateTime) {
    let state = ours.map_or(EndpointState::Missing, |ours| ours.state);
    known.endpoint_id = ours.map(|ours| ours.id.clone());
    state.as_str().clone_into(&mut known.endpoint_state);
    known.endpoint_at = Some(at);
}

/// Events that endpoints of others are told of.
fn others(endpoints: &[Endpoint], ours: &Endpoint) -> BTreeSet<String> {
    let others = endpoints.iter().filter(|endpoint| endpoint.id != ours.id);
    others.flat_map(|endpoint| endpoint.events.iter().cloned()).collect()
}

/// Tells our undelivered webhooks from the rest of the log.
struct Sieve<'a> {
    url: &'a str,
    others: &'a BTreeSet<String>,
    known: &'a WatchRow,
    wish: Wish,
    now: OffsetDateTime,
}

impl Sieve<'_> {
    /// Those of that status, page by page.
    async fn undelivered(&self, client: &Chargify, context: &CallContext, status: LogStatus) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        for page in 1..=limits::WATCH_LOG_PAGES {
            let log = client.webhook_log(context, status, self.since().date(), page).await?;
            found.extend(log.rows.iter().filter(|row| self.is_missed(row, status)).map(|row| row.id));
            if !log.more {
                break;
            }
        }
        Ok(found)
    }

    /// From when on the log is read. Days begin in the zone of the site, so one more is read.
    fn since(&self) -> OffsetDateTime {
        let usual = self.now - limits::WATCH_LOOKBACK;
        let outage = self.known.outage_from.map_or(usual, |from| from.min(usual));
        outage.max(self.now - limits::WATCH_LOOKBACK_MAX) - time::Duration::DAY
    }

    fn is_missed(&self, row: &Logged, status: LogStatus) -> bool {
        let is_ours = match &row.last_sent_url {
            Some(address) => is_our_address(address, self.url),
            // Never sent: whose it is shows only where nobody else is told of such events.
            None => !self.others.contains(&row.event),
        };
        // The service may still be trying by itself.
        let rested_since = self.now - limits::WATCH_REPLAY_REST;
        let touched = match status {
            LogStatus::Paused => row.last_sent_at,
            LogStatus::Failed | LogStatus::Pending => row.last_sent_at.or(row.created_at),
        };
        let rests = touched.is_none_or(|at| at <= rested_since);
        is_ours && rests && (self.wish == Wish::All || !self.was_tried(row))
    }

    /// Sent again by us before, and failed again.
    fn was_tried(&self, row: &Logged) -> bool {
        let Some(fetched_at) = self.known.fetched_at else { return false };
        row.created_at.is_some_and(|at| at < fetched_at) && row.last_sent_at.is_some_and(|at| at >= fetched_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ConnectionId, WorkspaceId};
    use time::{Duration, macros::datetime};
    use uuid::Uuid;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);
    const URL: &str = "https://sync.example.com/webhooks/chargify/abc";

    fn logged(created: i64, sent: Option<i64>, url: Option<&str>) -> Logged {
        let ago = |minutes: i64| NOW - Duration::minutes(minutes);
        Logged {
            id: 1,
            event: "customer_update".to_owned(),
            created_at: Some(ago(created)),
            last_sent_at: sent.map(ago),
            last_sent_url: url.map(str::to_owned),
            body: String::new(),
            signature: None,
        }
    }

    #[test]
    fn only_our_own_webhooks_that_nobody_is_sending_any_more_are_missed() {
        let elsewhere = Some("https://other.example.com/hook");
        let (nobody, somebody) = (BTreeSet::new(), BTreeSet::from(["customer_update".to_owned()]));
        let mut known = WatchRow::blank(WorkspaceId(Uuid::nil()), ConnectionId(Uuid::nil()));
        known.fetched_at = Some(NOW - Duration::hours(1));
        let table = [
            ("given up", logged(30, Some(20), Some(URL)), LogStatus::Failed, &somebody, Wish::Untried, true),
            ("of another endpoint", logged(30, Some(20), elsewhere), LogStatus::Failed, &nobody, Wish::All, false),
            ("perhaps still tried", logged(30, Some(5), Some(URL)), LogStatus::Failed, &nobody, Wish::All, false),
            ("just made", logged(5, None, None), LogStatus::Pending, &nobody, Wish::All, false),
            ("stuck", logged(30, None, None), LogStatus::Pending, &nobody, Wish::All, true),
            ("made while paused", logged(5, None, None), LogStatus::Paused, &nobody, Wish::All, true),
            ("perhaps another's", logged(30, None, None), LogStatus::Paused, &somebody, Wish::All, false),
            ("failed again", logged(90, Some(30), Some(URL)), LogStatus::Failed, &nobody, Wish::Untried, false),
            ("failed again, asked for", logged(90, Some(30), Some(URL)), LogStatus::Failed, &nobody, Wish::All, true),
        ];
        for (what, row, status, others, wish, missed) in table {
            let sieve = Sieve { url: URL, others, known: &known, wish, now: NOW };
            assert_eq!(sieve.is_missed(&row, status), missed, "{what}");
        }
    }

    #[test]
    fn the_log_is_read_from_before_an_outage_on_but_not_for_ever() {
        let mut known = WatchRow::blank(WorkspaceId(Uuid::nil()), ConnectionId(Uuid::nil()));
        let nobody = BTreeSet::new();
        let since = |known: &WatchRow| {
            let sieve = Sieve { url: URL, others: &nobody, known, wish: Wish::All, now: NOW };
            sieve.since().date()
        };
        assert_eq!(since(&known), datetime!(2026-11-18 0:00 UTC).date());
        known.outage_from = Some(NOW - Duration::days(10));
        assert_eq!(since(&known), datetime!(2026-11-11 0:00 UTC).date());
        known.outage_from = Some(NOW - Duration::days(400));
        assert_eq!(since(&known), datetime!(2026-10-22 0:00 UTC).date());
    }
}
