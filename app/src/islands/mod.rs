//! The islands: the only components that carry code into the browser. Pages work without them.

pub mod next_starts;
pub mod run_live;
