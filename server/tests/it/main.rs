//! The server's integration tests: one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is, helpers included")]

mod logins;
mod health;
mod postgres;
mod program;
mod cli;
mod audit_pages;
mod browser;
mod demo;
mod forms;
mod guards;
mod pages;
mod record_pages;
mod run_pages;
mod site;
mod streams;
mod webhooks;
