//! Typed clients of both services, over the wire as a value ([`crate::Transport`]).
//!
//! A client knows how its service is asked and what its answers mean; it decides nothing about syncing and keeps no
//! record. What a call costs is decided outside: every call passes a [`Gate`] and is told to a [`CallSink`]. Nothing
//! here is retried, except a GoHighLevel call that was refused with 429 and was therefore never carried out.

mod address;
mod call;
pub mod chargify;
mod error;
mod gate;
pub mod highlevel;
mod json;

pub(crate) use address::encode;
pub use call::{Account, CallContext, CallRecord, CallSink, Dropped, QuietSink, RowProblem, Wire, Written};
pub use chargify::Chargify;
pub use error::{CallError, Refusal};
pub use gate::{Gate, Hold, OpenGate, Permit, Priority};
pub use highlevel::HighLevel;
