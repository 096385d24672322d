//! Tests of the sandbox.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is, helpers included"
)]

mod chargify;
mod chargify_spec;
mod highlevel;
mod highlevel_spec;
mod shell;
mod spec_check;
