//! The journal of calls, as it is written.

use crate::store::calls::{self, CallBatch};

tables! {
    /// The journal of calls.
    trait Calls {
        fn insert_calls(batch: &CallBatch) -> () = calls::insert;
    }
}
