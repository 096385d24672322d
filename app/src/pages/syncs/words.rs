//! The choices of a mapping row in words.

/// A direction in words.
#[must_use]
pub fn direction_words(direction: &str) -> &'static str {
    match direction {
        "to_chargify" => "→ Chargify",
        "to_highlevel" => "← GoHighLevel",
        _ => "↔ both",
    }
}

/// A conflict rule in words.
#[must_use]
pub fn conflict_words(conflict: &str) -> &'static str {
    match conflict {
        "highlevel" => "GoHighLevel wins",
        "chargify" => "Chargify wins",
        "fill_empty" => "Only fill what is empty",
        "ask" => "Ask a person",
        _ => "Newest wins",
    }
}

/// What happens to the other side when a field was emptied, in words.
#[must_use]
pub fn empty_words(empty: &str) -> &'static str {
    match empty {
        "copy_empties" => "Copy empties",
        "never_clear" => "Never clear",
        _ => "Clear only ours",
    }
}
