//! The server's integration tests: one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is, helpers included")]

mod audit_pages;
mod billing_pages;
mod browser;
mod cli;
mod decision_pages;
mod demo;
mod engagement_pages;
mod forms;
mod guards;
mod health;
mod logins;
mod oauth_pages;
mod pages;
mod postgres;
mod program;
mod record_pages;
mod removal_pages;
mod run_pages;
mod schedule_pages;
mod settings_pages;
mod site;
mod streams;
mod team_pages;
mod webhook_pages;
mod webhooks;
