//! Faithful local GoHighLevel and Chargify, for the demo, for tests and for a user's first hour.
//!
//! The rules of both services are synchronous and free of I/O ([`highlevel`], [`chargify`]); the shell around them
//! owns sockets, latency, faults, time and the sending of webhooks.

pub mod chargify;
pub mod highlevel;
pub mod options;
mod page;
pub mod request;
pub mod seed;
pub mod service;
mod shell;
pub mod webhook;

pub use options::{Latency, Options, RequestInfo, Side};
pub use shell::{Fault, FaultRule, Recorded, Sandbox, SideHandle, StatsView, ready_line, start};
pub use webhook::Delivery;
