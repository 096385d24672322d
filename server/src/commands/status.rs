//! `concord status`.

use super::Errand;
use crate::{cli::StatusArguments, config::Environment, installation::told, terminal::say};
use domain::view::{At, OverviewView, ScheduleBriefView, SubscriptionCopyView, SyncView};
use serde_json::{Value, json};

pub(super) async fn status(arguments: StatusArguments, environment: Environment) -> anyhow::Result<u8> {
    let errand = Errand::begin(&environment, arguments.workspace.workspace.as_deref()).await?;
    let overview = errand.engine.overview(&errand.viewer).await.map_err(told);
    errand.end().await?;
    let overview = overview?;
    say(if arguments.json { object(&overview).to_string() } else { text(&overview) });
    Ok(0)
}

fn object(overview: &OverviewView) -> Value {
    let connections = overview.connections.iter().map(|connection| {
        json!({
            "id": connection.id,
            "name": connection.name,
            "kind": connection.side,
            "account": connection.account,
            "state": connection.state,
            "detail": connection.state_detail,
            "webhook_url": connection.webhook_url,
            "paused_until": connection.paused_until.map(At::rfc3339),
            "pause_reason": connection.pause_reason,
        })
    });
    json!({
        "connections": connections.collect::<Vec<_>>(),
        "syncs": overview.syncs.iter().map(sync).collect::<Vec<_>>(),
        "subscriptions": overview.subscriptions.iter().map(|copy| subscriptions(copy, overview.now)).collect::<Vec<_>>(),
        "queue": { "ready": overview.queue.ready, "running": overview.queue.running },
        // How long the oldest waiting job has been waiting.
        "lag_s": overview.queue.oldest_s.unwrap_or(0),
        "needs": overview.needs.iter().map(|need| json!({ "kind": need.kind, "title": need.title })).collect::<Vec<_>>(),
    })
}

/// How far the copy of a site's subscriptions can be trusted: `lag_s` is null while they were never read whole.
fn subscriptions(copy: &SubscriptionCopyView, now: At) -> Value {
    json!({
        "connection": copy.connection,
        "subscriptions": copy.subscriptions,
        "current_at": copy.current_at.map(At::rfc3339),
        "heard_at": copy.heard_at.map(At::rfc3339),
        "lag_s": copy.current_at.map(|at| at.seconds_until(now).max(0)),
    })
}

fn sync(sync: &SyncView) -> Value {
    let last_run = sync
        .last_run
        .as_ref()
        .map(|(number, mode, status)| json!({ "number": number, "mode": mode, "status": status }));
    json!({
        "name": sync.name,
        "highlevel": sync.highlevel,
        "chargify": sync.chargify,
        "enabled": sync.enabled,
        "links": sync.links,
        "contacts": sync.contacts,
        "customers": sync.customers,
        "waiting": sync.waiting,
        "last_run": last_run,
        "schedule": schedule(&sync.schedule),
    })
}

/// The timings in plain words (null: off), and what is due next and when (null: nothing).
fn schedule(schedule: &ScheduleBriefView) -> Value {
    let next = schedule.next.as_ref().map(|(mode, due_at)| json!({ "mode": mode, "due_at": due_at.rfc3339() }));
    json!({ "changes": schedule.changes, "full": schedule.full, "quiet": schedule.quiet, "next": next })
}

fn text(overview: &OverviewView) -> String {
    let mut lines = Vec::new();
    for connection in &overview.connections {
        let detail = connection.state_detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        lines.push(format!("connection {}: {}{detail}", connection.name, connection.state));
    }
    for sync in &overview.syncs {
        let state = if sync.enabled { "on" } else { "off" };
        let last = sync
            .last_run
            .as_ref()
            .map(|(number, mode, status)| format!(", run {number} ({mode}) {}", status.replace('_', " ")));
        let next = sync.schedule.next.as_ref().map(|(mode, due)| format!(", {mode} due {}", due.rfc3339()));
        lines.push(format!(
            "sync {}: {state}, {} linked{}{}",
            sync.name,
            sync.links,
            last.unwrap_or_default(),
            next.unwrap_or_default()
        ));
    }
    for copy in &overview.subscriptions {
        let lag = copy.current_at.map(|at| format!("current as of {} s ago", at.seconds_until(overview.now).max(0)));
        let lag = lag.unwrap_or_else(|| "never read whole".to_owned());
        lines.push(format!("subscriptions of {}: {}, {lag}", copy.connection, copy.subscriptions));
    }
    let oldest = overview.queue.oldest_s.map(|seconds| format!(", the oldest for {seconds} s")).unwrap_or_default();
    lines.push(format!("queue: {} running, {} waiting{oldest}", overview.queue.running, overview.queue.ready));
    lines.extend(overview.needs.iter().map(|need| format!("needs you: {}. {}", need.title, need.detail)));
    lines.join("\n")
}
