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
    /// Every write that was journalled.
    pub intents: Vec<Intent>,
    /// Records about which two jobs ran at once.
    pub twins: Vec<String>,
    /// How every record stands.
    pub standings: Vec<Standing>,
}

/// A write as it was journalled before it left.
#[derive(Clone, Debug)]
pub struct Intent {
    pub side: Side,
    /// The id of the record, or what its create is looked up by.
    pub key: String,
    /// Names of the fields that were to be written.
    pub fields: Vec<String>,
    /// The number of the run it belongs to.
    pub run: Option<u64>,
}

/// How a record stands, as its page says it.
#[derive(Clone, Debug)]
pub struct Standing {
    pub side: Side,
    pub id: String,
    pub verdict: String,
    pub words: String,
    pub is_gone: bool,
}

impl Books {
    /// Everything, line by line, for whoever reads a failure.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for run in &self.runs {
            lines.push(format!("run {} ({}) {}: {}", run.number, run.mode, run.status, run.counts));
        }
        for link in &self.links {
            let state = if link.active { "linked".to_owned() } else { format!("parted: {}", link.reason) };
            lines.push(format!("contact {} and customer {} {state}", link.contact_id, link.customer_id));
        }
        for one in &self.standings {
            let gone = if one.is_gone { ", gone" } else { "" };
            lines.push(format!("{} {}: {}{gone}: {}", one.side.noun(), one.id, one.verdict, one.words));
        }
        lines
    }
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
    /// When it began to write, by the clock of its node.
    pub writes_from: Option<time::OffsetDateTime>,
}

#[derive(Clone, Debug)]
pub struct Delivery {
    pub side: Side,
    pub webhook_id: String,
    pub state: String,
}
