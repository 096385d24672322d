//! What Concord has written down, as the judge reads it.

use domain::Side;

/// The books of a world at its end.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub links: Vec<Link>,
    pub runs: Vec<Run>,
    pub deliveries: Vec<Delivery>,
    /// Writes whose outcome nobody knows, in words.
    pub open_intents: Vec<String>,
    /// Jobs that wait or run, in words.
    pub open_jobs: Vec<String>,
    /// What is wrong with the audit trail.
    pub audit_fault: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Link {
    pub contact_id: String,
    pub customer_id: String,
    pub active: bool,
    pub reason: String,
    /// When it was made.
    pub linked_at: time::OffsetDateTime,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub number: u64,
    pub mode: String,
    pub status: String,
    pub ended: bool,
    pub balances: bool,
    pub counts: String,
}

#[derive(Clone, Debug)]
pub struct Delivery {
    pub side: Side,
    pub webhook_id: String,
    pub state: String,
}
