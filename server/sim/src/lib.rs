//! The engine in a simulated world: the real sync core on a store in memory, in virtual time, from one seed.

pub mod books;
pub mod clock;
pub mod crash;
pub mod dice;
pub mod fields;
pub mod history;
pub mod judge;
pub mod ledger;
pub mod life;
pub mod node;
pub mod outcome;
#[cfg(feature = "planted")]
pub mod planted;
pub mod post;
pub mod services;
pub mod shrink;
pub mod store;
mod stored;
pub mod tally;
pub mod trace;
pub mod wheel;
pub mod world;
