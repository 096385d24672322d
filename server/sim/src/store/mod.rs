//! A store in memory that behaves as the one on Postgres does: a conformance suite runs against both.

pub use memory::MemoryStore;

mod memory;
