//! Run rows as views.

use crate::{
    Engine, Result,
    store::{self, items::ItemRow, runs::RunRow},
    sync::SyncContext,
};
use domain::{
    RunId, WorkspaceId,
    plan::Change,
    view::{At, ChangeView, ItemView, PhaseView, RunLiveView, RunView},
};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Records of the live tail.
const TAIL: i64 = 8;

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// The row as pages see it.
pub(super) fn run(row: &RunRow) -> RunView {
    let mut phases: Vec<PhaseView> = serde_json::from_value(row.phases.clone()).unwrap_or_default();
    let written = number(row.count_created + row.count_updated);
    for phase in phases.iter_mut().filter(|phase| phase.title == "Write" && phase.finished_at.is_none()) {
        phase.done = written.min(phase.total);
    }
    RunView {
        number: number(row.number),
        run_id: row.run_id.to_string(),
        sync: row.sync.clone(),
        mode: row.mode.clone(),
        status: row.status.clone(),
        detail: row.detail.clone(),
        mapping_version: u32::try_from(row.mapping_version).unwrap_or(0),
        started_by: row.started_by.clone(),
        approved_by: row.approved_by.clone(),
        queued_at: row.queued_at.into(),
        finished_at: row.finished_at.map(At::from),
        counts: row.counts(),
        to_create: number(row.to_create),
        to_update: number(row.to_update),
        planned_highlevel: number(row.planned_highlevel),
        planned_chargify: number(row.planned_chargify),
        predicted_highlevel: number(row.predicted_highlevel),
        predicted_chargify: number(row.predicted_chargify),
        predicted_ms: number(row.predicted_ms),
        calls_highlevel: number(row.calls_highlevel),
        calls_chargify: number(row.calls_chargify),
        phases,
        cancel_requested: row.cancel_requested_at.is_some(),
        left_alone: number(row.left_alone),
        resting: row
            .progress
            .get("resting")
            .and_then(|resting| serde_json::from_value(resting.clone()).ok())
            .unwrap_or_default(),
    }
}

/// One record of a run.
pub(super) fn item(row: &ItemRow) -> ItemView {
    let changes: Vec<Change> = serde_json::from_value(row.changes.clone()).unwrap_or_default();
    ItemView {
        item_no: number(row.item_no),
        name: row.display_name.clone(),
        email: row.email.clone(),
        contact_id: row.contact_id.clone(),
        customer_id: row.customer_id.clone(),
        action: row.action.clone(),
        reason: row.reason.clone(),
        changes: changes.iter().map(change).collect(),
        outcome: row.outcome.clone(),
        outcome_detail: row.outcome_detail.clone(),
        settled_at: row.settled_at.map(At::from),
        took_ms: row.took_ms.and_then(|ms| u32::try_from(ms).ok()),
    }
}

/// One field of a plan.
pub(crate) fn change(change: &Change) -> ChangeView {
    ChangeView {
        side: change.side.as_str().to_owned(),
        field: change.field.0.clone(),
        before: change.before.display(),
        after: change.after.display(),
    }
}

/// Tabs of the plan, each with the actions behind it.
const TABS: [(&str, &[&str]); 8] = [
    ("", &["create_customer", "create_contact", "update_customer", "update_contact", "update_both", "link", "unlink"]),
    ("create", &["create_customer", "create_contact"]),
    ("update_chargify", &["update_customer", "update_both"]),
    ("update_highlevel", &["update_contact", "update_both"]),
    ("join", &["link", "unlink"]),
    ("decisions", &["ambiguous", "conflict", "hold"]),
    ("failed", &["fail"]),
    ("excluded", &["exclude"]),
];

/// The actions a tab shows; `all` shows any.
pub(super) fn actions_of_tab(tab: &str) -> Vec<String> {
    TABS.iter()
        .find(|(name, _)| *name == tab)
        .map(|(_, actions)| actions.iter().map(|action| (*action).to_owned()).collect())
        .unwrap_or_default()
}

/// Every tab with its count.
pub(super) fn tabs(by_action: &BTreeMap<String, i64>) -> Vec<(String, u64)> {
    TABS.iter()
        .map(|(name, actions)| {
            let count = actions.iter().filter_map(|action| by_action.get(*action)).sum();
            ((*name).to_owned(), number(count))
        })
        .collect()
}

impl Engine {
    pub(super) async fn live_view(
        &self,
        mut conn: &mut PgConnection,
        row: &RunRow,
        context: &SyncContext,
    ) -> Result<RunLiveView> {
        let workspace_id = WorkspaceId(row.workspace_id);
        let tail = store::items::tail(conn, workspace_id, RunId(row.run_id), TAIL).await?;
        let lane = store::slots::lane(conn, workspace_id, context.chargify_id()).await?;
        let median = store::runs::median_call_ms(conn, workspace_id, context.row.chargify_connection_id).await?;
        let gate = self.gate(workspace_id, context.chargify_id()).reading();
        let tokens = self.location_tokens(&mut conn, workspace_id, context.highlevel_id()).await?;
        let view = run(row);
        let now = self.clock().now();
        let planned = view.counts.read.saturating_sub(view.counts.settled());
        let paused_ms = lane.as_ref().map_or(0, |lane| lane.paused_ms);
        let pace = if paused_ms > 0 {
            let why = lane.as_ref().and_then(|lane| lane.pause_reason.clone()).unwrap_or_default();
            format!(
                "Chargify asked for fewer requests ({why}), so nothing is sent for {} s. Nothing is lost.",
                paused_ms / 1000 + 1
            )
        } else {
            match median {
                Some(ms) if view.status == "writing" => format!(
                    "Chargify answers in {} ms and takes {} at a time. Nothing holds it up.",
                    ms.round(),
                    lane.as_ref().map_or(0, |lane| lane.call_slots)
                ),
                _ => String::new(),
            }
        };
        Ok(RunLiveView {
            eta_ms: eta_ms(&view, now.into(), planned),
            now: now.into(),
            to_go: planned,
            slots_busy: gate.busy,
            slots_held: gate.held,
            slots_ceiling: lane.as_ref().and_then(|lane| u8::try_from(lane.call_slots).ok()).unwrap_or(0),
            tokens_left: tokens.map(|tokens| tokens.left),
            tokens_max: tokens.map(|tokens| tokens.max),
            day_left: tokens.and_then(|tokens| tokens.day_left),
            pace,
            tail: tail.iter().map(item).collect(),
            run: view,
        })
    }
}

/// Time left from the pace so far, or from the prediction before there is one.
fn eta_ms(view: &RunView, now: At, to_go: u64) -> Option<u64> {
    if view.status != "writing" || to_go == 0 {
        return None;
    }
    let write = view.phases.iter().find(|phase| phase.title == "Write")?;
    let elapsed = u64::try_from(now.0 - write.started_at?.0).ok()?;
    let planned = view.to_create + view.to_update;
    let done = planned.saturating_sub(to_go);
    if done < 5 {
        return Some(view.predicted_ms);
    }
    Some(elapsed.saturating_mul(to_go) / done)
}
