//! The first screen: is all well, and if not, what to do.

use crate::{
    Engine, Result, Viewer,
    store::{self, subscriptions::Freshness},
};
use domain::{
    Side,
    denial::Denial,
    limits,
    view::{
        At, ConnectionView, EndpointState, HearingView, NeedView, OverviewView, QueueView, SubscriptionCopyView,
        SyncView, Tally24, WebhooksView,
    },
};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

impl Engine {
    /// Everything the first screen shows, from our own database.
    ///
    /// # Errors
    /// Database errors.
    pub async fn overview(&self, viewer: &Viewer) -> Result<OverviewView> {
        let now = self.clock().now();
        let connections = self.connections(viewer).await?;
        let syncs = self.syncs(viewer).await?;
        let workspace_id = viewer.workspace_id();
        let webhooks = self.all_webhooks(workspace_id).await?;
        let mut conn = self.pool().acquire().await?;
        let verdicts = store::overview::verdicts(&mut conn, workspace_id, None).await?;
        let count = |verdict: &str| {
            let found = verdicts.iter().find(|(name, _)| name == verdict).map_or(0, |(_, count)| *count);
            u64::try_from(found).unwrap_or(0)
        };
        let waiting = store::decisions::waiting(&mut conn, workspace_id, None).await?;
        let pairs = syncs.iter().map(|sync| sync.links).sum();
        let parked = store::links::parked(&mut conn, workspace_id).await?;
        let queue = self.queue_view(&mut conn, viewer, now).await?;
        let day = self.day(&mut conn, viewer, now).await?;
        let copies = store::subscriptions::copies(&mut conn, workspace_id).await?;
        let subscriptions = copies.into_iter().map(copy_view).collect();
        Ok(OverviewView {
            now: At::from(now),
            needs: needs(
                &parked,
                (&connections, &webhooks),
                &syncs,
                (u64::try_from(waiting).unwrap_or(0), count("failed")),
            )
            .into_iter()
            .chain(apps_to_install(&connections))
            .chain(tokens_of_age(&connections, now))
            .collect(),
            pairs,
            pairs_in_step: count("in_step").min(pairs),
            syncs,
            connections,
            day,
            queue,
            subscriptions,
        })
    }

    async fn queue_view(&self, conn: &mut PgConnection, viewer: &Viewer, now: OffsetDateTime) -> Result<QueueView> {
        let workspace_id = viewer.workspace_id();
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        let (ready, running, oldest_s) = store::overview::queue(conn, workspace_id).await?;
        let calls = store::calls::count_since(conn, workspace_id.0, now - Duration::days(1)).await?;
        let of =
            |side: Side| calls.iter().find(|(name, _)| name == side.as_str()).map_or(0, |(_, count)| number(*count));
        Ok(QueueView {
            ready: number(ready),
            running: number(running),
            oldest_s: oldest_s.map(number),
            calls_highlevel: of(Side::Highlevel),
            calls_chargify: of(Side::Chargify),
        })
    }

    /// Webhooks of 24 hours and how each ended: the parts add up to what came in.
    async fn day(&self, conn: &mut PgConnection, viewer: &Viewer, now: OffsetDateTime) -> Result<Tally24> {
        let workspace_id = viewer.workspace_id();
        let mut tally = Tally24 { hours: vec![0; 24], ..Tally24::default() };
        for (state, outcome, count) in
            store::overview::deliveries_since(conn, workspace_id, now - Duration::days(1)).await?
        {
            let count = u64::try_from(count).unwrap_or(0);
            tally.came_in += count;
            let place = match (state.as_str(), outcome.as_deref()) {
                ("recorded", _) => &mut tally.in_work,
                (_, Some("created" | "updated")) => &mut tally.written,
                (_, Some("echo")) => &mut tally.echo,
                (_, Some("ambiguous" | "parked")) => &mut tally.waiting,
                (_, Some("failed")) => &mut tally.failed,
                _ => &mut tally.nothing_to_do,
            };
            *place += count;
        }
        for (hours_ago, count) in store::overview::deliveries_by_hour(conn, workspace_id, now).await? {
            let place = usize::try_from(23 - hours_ago).ok().and_then(|index| tally.hours.get_mut(index));
            if let Some(hour) = place {
                *hour = u64::try_from(count).unwrap_or(0);
            }
        }
        Ok(tally)
    }
}

fn copy_view((connection, count, fresh): (String, i64, Freshness)) -> SubscriptionCopyView {
    SubscriptionCopyView {
        connection,
        subscriptions: u64::try_from(count).unwrap_or(0),
        current_at: fresh.current_at.filter(|_| fresh.listed_at.is_some()).map(At::from),
        heard_at: fresh.heard_at.map(At::from),
    }
}

/// What needs a person, most urgent first: what happened, is the data safe, what to press.
fn needs(
    parked: &[(String, i64)],
    (connections, webhooks): (&[ConnectionView], &[WebhooksView]),
    syncs: &[SyncView],
    (waiting, failed): (u64, u64),
) -> Vec<NeedView> {
    let mut needs = Vec::new();
    for connection in connections.iter().filter(|connection| matches!(connection.state.as_str(), "refused" | "blocked"))
    {
        let why = connection.state_detail.as_deref().map(first_sentence).unwrap_or_default();
        let side = connection.side.label();
        let (title, action) = if connection.state == "blocked" {
            (format!("{side} blocks the account of {}", connection.name), "See why")
        } else {
            (format!("{side} refuses {}", connection.name), remedy(connection))
        };
        needs.push(NeedView {
            kind: "credential".to_owned(),
            title,
            detail: format!("{why} Its work waits and goes on by itself once it is accepted again. Nothing is lost."),
            action: action.to_owned(),
            href: format!("/connections/{}", connection.id),
        });
    }
    needs.extend(webhooks.iter().filter_map(deaf));
    for sync in syncs {
        if let (Some(number), Some((_, _, status))) = (sync.open_run, &sync.last_run)
            && status == "awaiting_approval"
        {
            needs.push(NeedView {
                kind: "approval".to_owned(),
                title: format!("A plan of {} waits for you", sync.name),
                detail: "Nothing has been written. Look at the plan, then approve it or turn it down.".to_owned(),
                action: "See the plan".to_owned(),
                href: format!("/runs/{number}"),
            });
        }
    }
    for (sync, count) in parked {
        needs.push(NeedView {
            kind: "decision".to_owned(),
            title: format!("{count} deletions of {sync} are held: many records went at once"),
            detail: "Webhooks told of more deletions than pass without asking. Those pairs stay as they are. If the \
                     deletions were meant, start a full run: it shows them all and waits for your approval."
                .to_owned(),
            action: "Open the sync".to_owned(),
            href: format!("/syncs/{sync}"),
        });
    }
    if waiting > 0 {
        needs.push(NeedView {
            kind: "decision".to_owned(),
            title: if waiting == 1 { "1 record waits for a decision".to_owned() } else { format!("{waiting} records wait for a decision") },
            detail: "More than one partner is possible, a field was changed on both sides, or a partner was deleted. Nothing is written until it is clear.".to_owned(),
            action: "See them".to_owned(),
            href: "/records?state=waiting".to_owned(),
        });
    }
    if failed > 0 {
        needs.push(NeedView {
            kind: "failure".to_owned(),
            title: if failed == 1 {
                "1 record could not be written".to_owned()
            } else {
                format!("{failed} records could not be written")
            },
            detail: "Each keeps its reason. Both sides are as they were.".to_owned(),
            action: "See the reasons".to_owned(),
            href: "/records?state=failed".to_owned(),
        });
    }
    needs.extend(webhooks.iter().filter_map(|webhooks| unread(webhooks, syncs)));
    needs.extend(first_steps(connections, syncs));
    needs
}

/// Webhooks that should come and do not.
fn deaf(webhooks: &WebhooksView) -> Option<NeedView> {
    let name = &webhooks.name;
    let (title, detail) = match (webhooks.endpoint, webhooks.hearing) {
        (EndpointState::Paused, _) => (
            format!("Chargify paused the webhooks of {name}"),
            "Too many deliveries failed in a row. Chargify keeps what happens meanwhile: wake the endpoint, then fetch it.",
        ),
        (EndpointState::Disabled, _) => (
            format!("Chargify disabled the webhooks of {name}"),
            "Deliveries failed for too long, and no more are made. Runs still read what changed; switch the endpoint on again.",
        ),
        (_, HearingView::Silent(_)) => (
            format!("No webhook comes for {name}"),
            "At these hours some came every week. Look for what was missed and fetch it; then see why none come.",
        ),
        _ => return None,
    };
    Some(NeedView {
        kind: "failure".to_owned(),
        title,
        detail: detail.to_owned(),
        action: "See to it".to_owned(),
        href: format!("/connections/{}#webhooks", webhooks.id),
    })
}

/// A connection that tells nothing, and that nobody reads by itself.
fn unread(webhooks: &WebhooksView, syncs: &[SyncView]) -> Option<NeedView> {
    let is_at_work = |name: &str| syncs.iter().any(|sync| sync.name == name && sync.links > 0);
    let (sync, _) = webhooks.read_by.iter().find(|(sync, when)| when.is_none() && is_at_work(sync))?;
    (webhooks.hearing == HearingView::Never).then(|| NeedView {
        kind: "setup".to_owned(),
        title: format!("Changes in {} are not noticed", webhooks.name),
        detail:
            "No webhook ever came, as with a private integration token, and no schedule reads what changed. A run of \
                 changes costs two calls when nothing did."
                .to_owned(),
        action: "Set a schedule".to_owned(),
        href: format!("/syncs/{sync}/schedule"),
    })
}

/// Apps that a person has yet to install.
fn apps_to_install(connections: &[ConnectionView]) -> impl Iterator<Item = NeedView> {
    let waiting = connections.iter().filter(|one| one.denial() == Some(Denial::NotInstalled));
    waiting.map(|connection| NeedView {
        kind: "setup".to_owned(),
        title: format!("Install the app of {}", connection.name),
        detail: "GoHighLevel asks which location it is for. Nothing is read or written before.".to_owned(),
        action: "Install it".to_owned(),
        href: format!("/connections/{}", connection.id),
    })
}

/// Private tokens that should be replaced by now.
fn tokens_of_age(connections: &[ConnectionView], now: OffsetDateTime) -> impl Iterator<Item = NeedView> {
    connections.iter().filter_map(move |connection| {
        let days = connection.old_token_days(now)?;
        Some(NeedView {
            kind: "age".to_owned(),
            title: format!("The token of {} is {days} days old", connection.name),
            detail: format!(
                "It still works. GoHighLevel advises to replace private tokens about every {} days.",
                limits::PRIVATE_TOKEN_DAYS
            ),
            action: "Replace it".to_owned(),
            href: format!("/connections/{}#credentials", connection.id),
        })
    })
}

/// What to press where a credential is refused.
fn remedy(connection: &ConnectionView) -> &'static str {
    match (connection.denial(), &connection.app) {
        (Some(Denial::ScopeMissing), _) => "Give it the permission",
        (Some(Denial::OtherLocation), None) => "Check the location",
        (_, Some(_)) => "Install the app again",
        (_, None) => "Renew the credential",
    }
}

/// What happened; how to mend it stands where it is mended.
fn first_sentence(text: &str) -> String {
    let first = text.split_once(". ").map_or(text, |(first, _rest)| first);
    format!("{}.", first.trim_end_matches('.'))
}

/// What leads on while the set-up is not finished.
fn first_steps(connections: &[ConnectionView], syncs: &[SyncView]) -> Option<NeedView> {
    let has = |side: Side| connections.iter().any(|connection| connection.side == side);
    let step = |title: &str, detail: &str, action: &str, href: &str| NeedView {
        kind: "setup".to_owned(),
        title: title.to_owned(),
        detail: detail.to_owned(),
        action: action.to_owned(),
        href: href.to_owned(),
    };
    if !has(Side::Highlevel) || !has(Side::Chargify) {
        let missing = if has(Side::Highlevel) { "Chargify" } else { "GoHighLevel" };
        return Some(step(
            &format!("Connect {missing}"),
            "Concord needs both sides. Connecting reads nothing and writes nothing.",
            "Add a connection",
            "/connections/new",
        ));
    }
    if syncs.is_empty() {
        return Some(step(
            "Make the first sync",
            "Choose who takes part and which fields travel. A plan shows everything before anything is written.",
            "Make a sync",
            "/syncs/new",
        ));
    }
    if let Some(off) = syncs.iter().find(|sync| !sync.enabled && sync.links > 0) {
        return Some(step(
            &format!("{} writes only in runs you start", off.name),
            "Webhooks are recorded, but nothing is written between runs. Switched on, a change travels within seconds.",
            "Switch it on",
            &format!("/syncs/{}", off.name),
        ));
    }
    let fresh = syncs.iter().find(|sync| sync.last_run.is_none())?;
    Some(step(
        &format!("Plan the first run of {}", fresh.name),
        "The plan reads both sides and shows what would be written. Nothing is written before you approve.",
        "Open the sync",
        &format!("/syncs/{}", fresh.name),
    ))
}
