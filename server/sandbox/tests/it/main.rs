//! Tests of the sandbox.

mod chargify;
mod chargify_spec;
mod spec_check;
