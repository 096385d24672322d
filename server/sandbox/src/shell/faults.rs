//! Fault scripts: which calls go wrong, and how.

use std::fmt;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A vendor's cut-off for a call that hangs.
const HANG_MS: u64 = 120_000;

fn hang() -> u64 {
    HANG_MS
}

/// One way for a call to go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The connection is reset; nothing was done.
    Reset,
    /// The connection is reset; the work was done.
    ResetAfter,
    /// No answer for a long time, then a reset; nothing was done.
    TimeoutBefore {
        /// How long the call hangs, in milliseconds.
        #[serde(default = "hang")]
        ms: u64,
    },
    /// The work is done, but no answer comes for a long time, then a reset.
    TimeoutAfter {
        /// How long the call hangs, in milliseconds.
        #[serde(default = "hang")]
        ms: u64,
    },
    /// The work is done and the answer breaks off in the middle of its body.
    Truncate,
    /// A status instead of the work. 429 without a body answers as the service's own limit would.
    Status {
        /// The status.
        status: u16,
        /// The body: JSON, or text.
        #[serde(default)]
        body: Option<Value>,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The work is done, but the answer says otherwise.
    StatusAfter {
        /// The status.
        status: u16,
        /// The body: JSON, or text.
        #[serde(default)]
        body: Option<Value>,
    },
    /// The call takes this much longer.
    Slow {
        /// Milliseconds on top of the latency.
        ms: u64,
    },
}

/// A fault for the calls that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// A method and a path with `*` for anything, such as `POST /contacts/*`; without a method, any.
    #[serde(rename = "match")]
    pub calls: String,
    /// What happens to them.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many calls are left to hit; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Share of matching calls that are hit, 0 to 1; without it, each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl FaultRule {
    /// Hits every matching call.
    pub fn always(calls: &str, fault: Fault) -> Self {
        Self { calls: calls.to_owned(), fault, count: None, probability: None }
    }

    /// Hits the next matching calls.
    pub fn next(count: u32, calls: &str, fault: Fault) -> Self {
        Self { count: Some(count), ..Self::always(calls, fault) }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        match self.calls.split_once(' ') {
            Some((wanted, glob)) => (wanted == "*" || wanted.eq_ignore_ascii_case(method)) && fits(glob, path),
            None => fits(&self.calls, path),
        }
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Reset => write!(out, "Connections are reset")?,
            Fault::ResetAfter => write!(out, "Connections are reset after the work is done")?,
            Fault::TimeoutBefore { ms } => write!(out, "Calls hang for {ms} ms and do nothing")?,
            Fault::TimeoutAfter { ms } => write!(out, "Calls do their work, then hang for {ms} ms")?,
            Fault::Truncate => write!(out, "Answers break off")?,
            Fault::Status { status, .. } => write!(out, "Calls answer {status}")?,
            Fault::StatusAfter { status, .. } => write!(out, "Calls do their work, then answer {status}")?,
            Fault::Slow { ms } => write!(out, "Calls take {ms} ms longer")?,
        }
        write!(out, ", for {}", self.calls)?;
        if let Some(count) = self.count {
            write!(out, ", {count} more times")?;
        }
        if let Some(probability) = self.probability {
            write!(out, ", {} % of the time", probability * 100.0)?;
        }
        Ok(())
    }
}

/// The script in force: the first rule that applies wins.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) rules: Vec<FaultRule>,
}

impl Script {
    /// The fault that hits a call, if any; counts it.
    pub(super) fn hit(&mut self, method: &str, path: &str, rng: &mut ChaCha8Rng) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| {
            rule.count != Some(0)
                && rule.matches(method, path)
                && rule.probability.is_none_or(|share| rng.random::<f64>() < share)
        })?;
        rule.count = rule.count.map(|count| count - 1);
        let fault = rule.fault.clone();
        self.rules.retain(|rule| rule.count != Some(0));
        Some(fault)
    }
}

fn fits(glob: &str, path: &str) -> bool {
    match glob.split_once('*') {
        None => glob == path,
        Some((head, rest)) => path.strip_prefix(head).is_some_and(|left| {
            left.char_indices()
                .map(|(at, _)| at)
                .chain([left.len()])
                .any(|at| left.get(at..).is_some_and(|tail| fits(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (glob, path, expected) in [
            ("/contacts/*", "/contacts/abc", true),
            ("/contacts/*", "/contacts/", true),
            ("/contacts/*/notes", "/contacts/abc/notes", true),
            ("/contacts/*/notes", "/contacts/abc/tasks", false),
            ("/contacts/", "/contacts/abc", false),
            ("*", "/anything", true),
        ] {
            assert_eq!(fits(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn a_counted_rule_wears_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut script = Script { rules: vec![FaultRule::next(2, "POST /contacts/*", Fault::Reset)] };
        assert_eq!(script.hit("GET", "/contacts/1", &mut rng), None);
        assert_eq!(script.hit("POST", "/contacts/1", &mut rng), Some(Fault::Reset));
        assert_eq!(script.hit("POST", "/contacts/1", &mut rng), Some(Fault::Reset));
        assert_eq!(script.hit("POST", "/contacts/1", &mut rng), None);
    }

    #[test]
    fn a_rule_is_read_from_json() {
        let text = r#"{"match":"* /contacts/*","kind":"status","status":503,"count":1}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(rule.fault, Fault::Status { status: 503, body: None, retry_after: None });
        assert_eq!(rule.to_string(), "Calls answer 503, for * /contacts/*, 1 more times");
    }
}
