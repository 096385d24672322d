//! The fields an account made itself: what is known of them, when they are read anew, and which rules rest because a
//! field of theirs is gone.

mod known;
mod refresh;

pub(crate) use known::{Known, OwnFields};
