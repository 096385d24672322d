//! The watch over webhooks: registered by a button, tested through the public address, fetched when they were missed, and
//! noticed when none come. Over HTTP, with exact counts of calls.

mod endpoint;
mod missed;
mod silence;
mod world;

/// A sync that is switched on.
const SYNC: &str = r#"
    [[sync]]
    name = "contacts"
    highlevel = "crm"
    chargify = "billing"
    enabled = true
"#;
