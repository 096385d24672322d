//! The server half of the `concord` binary: command line, configuration, router, webhooks, private Postgres.

mod audit_file;
pub mod cli;
mod commands;
pub mod config;
pub mod http;
pub mod installation;
pub mod postgres;
mod serving;
mod shutdown;
mod telemetry;
mod terminal;

pub use commands::run;
pub use serving::{App, Plan, build};
