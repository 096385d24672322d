//! Tests of the sandbox.

mod chargify;
mod chargify_spec;
mod highlevel;
mod spec_check;
