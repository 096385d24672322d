//! Places in a unit of work to go back to.

use crate::store::savepoints;

tables! {
    /// Part of a unit of work may fail and be taken back, while the rest of it goes on.
    trait Savepoints {
        /// Sets the place to go back to; one that was set before is out of reach. Only inside a unit of work.
        fn set_savepoint() -> () = savepoints::set;

        /// Takes back what was done since.
        fn roll_back_to_savepoint() -> () = savepoints::roll_back;
    }
}
