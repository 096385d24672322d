//! The simulated world, held against the real one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is, helpers included")]

mod conformance;
mod histories;
