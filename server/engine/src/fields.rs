//! The fields an account made itself: what is known of them, when they are read anew, and which rules rest because a
//! field of theirs is gone.

mod facts;
mod known;
mod refresh;

pub(crate) use facts::unknown as unknown_fact;
pub(crate) use known::{Known, OwnFields};
