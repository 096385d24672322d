//! What each transform does.

use super::Transform;
use crate::problem::{Problem, any_stops};
use crate::record::Record;
use crate::value::Value;

/// Does a whole chain; it ends at the first step whose result must not be used.
#[must_use]
pub fn apply_all(chain: &[Transform], value: &Value, context: &Record) -> (Value, Vec<Problem>) {
    let mut value = value.clone();
    let mut problems = Vec::new();
    for step in chain {
        let (next, found) = step.apply(&value, context);
        let stop = any_stops(&found);
        problems.extend(found);
        value = next;
        if stop {
            break;
        }
    }
    (value, problems)
}

pub(super) fn apply(step: &Transform, value: &Value, _context: &Record) -> (Value, Vec<Problem>) {
    let _ = step;
    (value.clone(), Vec::new())
}
