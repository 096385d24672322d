//! What the store holds, table by table, as the migrations name them.

use super::{
    subscriptions::SubscriptionEntry,
    table::{Journalled, Table},
};
use domain::{Side, deletes::GoneBy, subscription::Payment};
use engine::store::{
    audit::AuditLineRow,
    connections::{ConnectionRow, CredentialRow, NewLaneRow},
    decisions::DecisionRow,
    deliveries::DeliveryRow,
    engagements::EngagementRow,
    installs::InstallRow,
    intents::NewIntent,
    items::ItemRow,
    links::LinkRow,
    records::RecordRow,
    removals::RemovalRow,
    runs::RunRow,
    schedules::ScheduleRow,
    subscriptions::Freshness,
    syncs::SyncRow,
    watches::WatchRow,
};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

/// Within a workspace.
pub(super) type Within = (Uuid, Uuid);
/// Workspace, sync, side, id at the service.
pub(super) type RecordKey = (Uuid, Uuid, Side, String);

#[derive(Clone, Debug)]
pub struct WorkspaceEntry {
    pub name: String,
    pub next_run_number: i64,
    pub created_at: OffsetDateTime,
}

#[derive(Clone, Debug)]
pub struct SyncEntry {
    /// Without the rules of the present version, which stand in the mapping.
    pub row: SyncRow,
}

#[derive(Clone, Debug)]
pub struct MappingEntry {
    pub rules: Json,
    pub author: String,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct RecordEntry {
    pub row: RecordRow,
    pub phone: Option<String>,
    pub display_name: String,
    pub seen_run: Option<Uuid>,
    /// The part of the values that only a reading of metafields tells.
    pub metafields: Option<Json>,
    pub metafields_read_at: Option<OffsetDateTime>,
    pub verdict_detail: String,
    pub gone_by: Option<GoneBy>,
}

#[derive(Clone, Debug)]
pub struct LinkEntry {
    pub sync_id: Uuid,
    /// `settled_at` is in it.
    pub row: LinkRow,
    /// `active`, `unlinked` or `parked`.
    pub state: &'static str,
    pub state_reason: Option<String>,
    /// Whose end it met, and when; known here once the tombstone is taken away.
    pub gone: Option<(Side, OffsetDateTime)>,
}

impl LinkEntry {
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state != "unlinked"
    }
}

#[derive(Clone, Debug)]
pub struct RunEntry {
    pub row: RunRow,
    pub approved_at: Option<OffsetDateTime>,
    /// The due time it was started for.
    pub scheduled_for: Option<OffsetDateTime>,
    pub fields_planned: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ScheduleEntry {
    pub row: ScheduleRow,
    pub started_at: Option<OffsetDateTime>,
}

#[derive(Clone, Debug)]
pub struct ItemEntry {
    pub row: ItemRow,
    pub reason_code: String,
}

#[derive(Clone, Debug)]
pub struct IntentEntry {
    pub sent: NewIntent,
    /// `sent`, `ambiguous`, `done`, `not_done` or `refused`.
    pub phase: &'static str,
    pub remote_id: Option<String>,
    pub status: Option<i16>,
    pub detail: Option<String>,
    pub unknown_since: Option<OffsetDateTime>,
    pub settled_at: Option<OffsetDateTime>,
}

impl IntentEntry {
    /// Nobody knows yet what came of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, "sent" | "ambiguous")
    }
}

#[derive(Clone, Debug)]
pub struct CallEntry {
    pub workspace_id: Uuid,
    pub connection_id: Uuid,
    pub side: String,
    pub endpoint: String,
    pub status: Option<i16>,
    pub error_class: Option<String>,
    pub took_ms: i32,
    pub cause: String,
    pub run_id: Option<Uuid>,
    pub called_at: OffsetDateTime,
}

#[derive(Clone, Debug)]
pub struct LaneEntry {
    pub lane: NewLaneRow,
    pub paused_until: Option<OffsetDateTime>,
    pub pause_reason: Option<String>,
    pub pause_ms: Option<i64>,
    /// How many slots are given out for now; `None`: all.
    pub open_slots: Option<i16>,
}

#[derive(Clone, Debug)]
pub struct JobEntry {
    /// In the order of their coming; equal ones go first in, first out.
    pub number: u64,
    pub lane_id: Uuid,
    pub kind: String,
    pub payload: Json,
    pub priority: i16,
    pub coalesce_key: Option<String>,
    pub attempt: i32,
    pub fence: i64,
    pub run_at: OffsetDateTime,
    pub lease_until: Option<OffsetDateTime>,
    pub node_id: Option<Uuid>,
    pub last_error: Option<String>,
    /// `ready`, `running`, `done`, `gave_up` or `superseded`.
    pub state: &'static str,
    pub finished_at: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, Default)]
pub struct SlotEntry {
    pub node_id: Option<Uuid>,
    pub fence: i64,
    pub lease_until: Option<OffsetDateTime>,
    pub busy_since: Option<OffsetDateTime>,
    pub usable_from: Option<OffsetDateTime>,
}

#[derive(Clone, Debug)]
pub struct DeliveryEntry {
    pub row: DeliveryRow,
    pub connection_id: Uuid,
    pub webhook_id: String,
    pub subject_id: Option<String>,
    pub arrivals: i32,
    /// `recorded`, `done` or `ignored`.
    pub state: String,
    pub outcome: Option<String>,
    pub detail: Option<String>,
    pub received_at: OffsetDateTime,
    pub settled_at: Option<OffsetDateTime>,
}

/// Declares the tables once, with what is done to all of them.
macro_rules! tables {
    ($($(#[$about:meta])* $name:ident: $key:ty => $row:ty,)*) => {
        /// All tables.
        #[derive(Clone, Default)]
        pub struct Data {
            $($(#[$about])* pub $name: Table<$key, $row>,)*
            /// Numbers drawn; like a sequence's, none is given back.
            pub(super) drawn: u64,
        }

        impl std::fmt::Debug for Data {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Credentials are in it.
                f.debug_struct("Data").finish_non_exhaustive()
            }
        }

        impl Data {
            pub(super) fn commit(&mut self) {
                $(self.$name.commit();)*
            }

            pub(super) fn mark(&mut self) {
                $(self.$name.mark();)*
            }

            pub(super) fn roll_back_to_mark(&mut self) {
                $(self.$name.roll_back_to_mark();)*
            }

            pub(super) fn roll_back(&mut self) {
                $(self.$name.roll_back();)*
            }
        }
    };
}

tables! {
    workspaces: Uuid => WorkspaceEntry,
    connections: Within => ConnectionRow,
    /// Workspace, connection, field.
    credentials: (Uuid, Uuid, String) => CredentialRow,
    /// Without their tokens, which are credentials.
    installs: Within => InstallRow,
    /// Fields an account made itself, by connection.
    fields: Within => Json,
    syncs: Within => SyncEntry,
    /// Workspace, sync, version.
    mappings: (Uuid, Uuid, i32) => MappingEntry,
    records: RecordKey => RecordEntry,
    /// With who decided and when.
    decisions: RecordKey => DecisionRow,
    links: Within => LinkEntry,
    removals: Within => RemovalRow,
    /// By sync.
    schedules: Within => ScheduleEntry,
    runs: Within => RunEntry,
    /// Workspace, run, number.
    items: (Uuid, Uuid, i64) => ItemEntry,
    intents: Within => IntentEntry,
    /// Workspace, sync, kind, id at GoHighLevel.
    engagements: (Uuid, Uuid, String, String) => EngagementRow,
    /// Workspace, connection, id at Chargify.
    subscriptions: (Uuid, Uuid, String) => SubscriptionEntry,
    /// The last payment heard of, by subscription.
    subscription_payments: (Uuid, Uuid, String) => Payment,
    /// By connection.
    subscription_caches: Within => Freshness,
    calls: u64 => CallEntry,
    lanes: Within => LaneEntry,
    /// Jobs that are ready or run.
    jobs: Within => JobEntry,
    /// Jobs that have ended.
    ended_jobs: Within => JobEntry,
    /// Workspace, lane, number.
    slots: (Uuid, Uuid, i16) => SlotEntry,
    /// Workspace, lane, node, and until when.
    slot_wishes: (Uuid, Uuid, Uuid) => OffsetDateTime,
    /// With the keys of their locks.
    nodes: Uuid => i64,
    deliveries: Within => DeliveryEntry,
    /// By connection.
    watches: Within => WatchRow,
    /// The one sign of life.
    heartbeats: () => OffsetDateTime,
    /// Workspace, number.
    audit_lines: (Uuid, i64) => AuditLineRow,
    audit_heads: Uuid => (i64, Vec<u8>),
}

impl Data {
    pub(super) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }
}

/// An instant as Postgres keeps it: to the microsecond.
pub(super) fn kept(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_microsecond(at.microsecond()).unwrap_or(at)
}
