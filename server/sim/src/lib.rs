//! The engine in a simulated world: the real sync core on a store in memory, in virtual time, from one seed.

pub mod store;
