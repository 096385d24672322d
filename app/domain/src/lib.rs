//! Concord's rules: what a record is, how fields are mapped, how two records are matched and merged, and what a run
//! would therefore do. Everything here is a pure function of its arguments: no I/O, no clock, no randomness, no hash
//! order, so that the browser's preview, a dry run and the real run give the same answer.
//!
//! Findings are data: functions return `(value, problems)` and never panic on input.

pub mod decision;
pub mod deletes;
pub mod denial;
pub mod engagement;
pub mod field;
pub mod fuse;
pub mod geo;
pub mod id;
pub mod limits;
pub mod mapping;
pub mod matching;
pub mod merge;
pub mod outcome;
pub mod phone;
pub mod plan;
pub mod problem;
pub mod record;
pub mod retry;
pub mod role;
pub mod schedule;
pub mod scope;
pub mod side;
pub mod silence;
pub mod subscription;
pub mod transform;
pub mod value;
pub mod view;

pub use id::{ConnectionId, DeliveryId, IntentId, JobId, LinkId, PersonId, RemoteId, RunId, SyncId, WorkspaceId};
pub use role::{Right, Role};
pub use side::Side;
