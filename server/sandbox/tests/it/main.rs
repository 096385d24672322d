//! Tests of the sandbox.

mod chargify;
mod chargify_spec;
mod highlevel;
mod shell;
mod spec_check;
