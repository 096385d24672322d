//! The rungs as they are climbed.

use super::{
    ConnectionState, Verdict,
    probe::{Probe, Seen},
};
use crate::{TransportError, UpstreamClass, clients::CallError};
use domain::{
    Side,
    view::{CheckStepView, StepState},
};

/// More than this between our clock and the service's, and "newest wins" may pick the wrong side.
const SKEW_MAX_S: i64 = 30;
/// A slower median makes long runs long.
const SLOW_MS: u32 = 3_000;

/// Finished rungs, and what follows from the failed ones.
pub(super) struct Steps {
    side: Side,
    host: String,
    plain: bool,
    done: Vec<CheckStepView>,
    verdict: Option<(Verdict, String)>,
}

impl Steps {
    pub(super) fn of(side: Side, base_url: &str) -> Self {
        let host = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default().to_owned();
        Self { side, host, plain: base_url.starts_with("http://"), done: Vec::new(), verdict: None }
    }

    pub(super) fn passed(&mut self, title: &str, detail: impl Into<String>, seen: Option<&Seen>) {
        self.push(title, StepState::Passed, detail.into(), seen);
    }

    pub(super) fn warned(&mut self, title: &str, detail: impl Into<String>, seen: Option<&Seen>) {
        self.push(title, StepState::Warned, detail.into(), seen);
    }

    pub(super) fn failed(&mut self, title: &str, detail: impl Into<String>, seen: Option<&Seen>, verdict: Verdict) {
        let detail = detail.into();
        // The first failure that says something about the credential outweighs those that say nothing.
        if self.verdict.as_ref().is_none_or(|(known, _)| *known == Verdict::Unknown && verdict != Verdict::Unknown) {
            self.verdict = Some((verdict, detail.clone()));
        }
        self.push(title, StepState::Failed, detail, seen);
    }

    /// Rungs that cannot be climbed because `ground` failed.
    pub(super) fn skipped(&mut self, titles: &[&str], ground: &str) {
        for title in titles {
            let detail = format!("Not tried, because \u{201c}{ground}\u{201d} failed.");
            self.push(title, StepState::Skipped, detail, None);
        }
    }

    /// The rungs below everything else: the name, the connection, the certificate. False: nothing was reached.
    pub(super) fn reached(&mut self, seen: &Seen) -> bool {
        const NAME: &str = "Name resolves";
        const SECURE: &str = "Secure connection";
        let host = self.host.clone();
        let Some(error) = &seen.broken else {
            self.passed(NAME, format!("{host} was found."), None);
            if self.plain {
                self.warned(
                    SECURE,
                    format!("{host} is reached without encryption (plain http). Fit for a sandbox, not for real data."),
                    Some(seen),
                );
            } else {
                self.passed(SECURE, format!("{host} showed a valid certificate."), Some(seen));
            }
            return true;
        };
        let words = error.to_string();
        let lower = words.to_lowercase();
        if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
            self.failed(
                NAME,
                format!("{host} cannot be found. Check the address, and that this server can resolve names."),
                Some(seen),
                Verdict::Unknown,
            );
            self.skipped(&[SECURE], NAME);
            return false;
        }
        self.passed(NAME, format!("{host} was found, or is an address already."), None);
        let detail = match error {
            _ if lower.contains("certificate") || lower.contains("tls") || lower.contains("handshake") => {
                format!(
                    "{host} did not show a certificate that can be trusted ({words}). Check the address, and for a \
                        proxy that opens traffic."
                )
            }
            TransportError::Connect(_) => {
                format!(
                    "{host} does not take connections ({words}). Check the address and this server's firewall, then \
                        test again."
                )
            }
            TransportError::TimedOut(after) => {
                format!(
                    "{host} did not answer within {} s. It may be down or very slow: test again in a few minutes.",
                    after.as_secs()
                )
            }
            TransportError::Broken(_) | TransportError::CutShort(_) => {
                format!(
                    "{host} broke the connection off ({words}). Test again; if it stays so, look for a proxy in \
                        between."
                )
            }
        };
        self.failed(SECURE, detail, Some(seen), Verdict::Unknown);
        false
    }

    /// A refusal that has nothing to do with the rung: the service is out of order, throttles, or blocks the account.
    /// False: the rung itself has to say what it means.
    pub(super) fn out_of_order(&mut self, title: &str, error: &CallError, seen: &Seen) -> bool {
        let side = self.side.label();
        let (detail, verdict) = match error.class {
            UpstreamClass::Rate { .. } => (
                format!(
                    "{side} answers that there were too many requests. Nothing is wrong with the connection: test \
                        again in some minutes."
                ),
                Verdict::Unknown,
            ),
            UpstreamClass::Unavailable | UpstreamClass::Ambiguous => (
                format!(
                    "{side} could not answer ({}). Nothing is known to be wrong with the connection: test again in \
                        some minutes.",
                    error.message
                ),
                Verdict::Unknown,
            ),
            UpstreamClass::AccountBlocked => (
                format!(
                    "{side} has blocked the whole account: \u{201c}{}\u{201d} Settle that with {side}, then test \
                        again.",
                    error.message
                ),
                Verdict::Blocked,
            ),
            UpstreamClass::Malformed => (
                format!(
                    "What answers at this address does not speak like {side} ({}). Check the address.",
                    error.message
                ),
                Verdict::Unknown,
            ),
            UpstreamClass::Auth | UpstreamClass::Permission | UpstreamClass::NotFound | UpstreamClass::Rejected => {
                return false;
            }
        };
        self.failed(title, detail, Some(seen), verdict);
        true
    }

    /// The last rungs: the difference of the clocks, and how long answers take.
    pub(super) fn measure(&mut self, probe: &Probe) {
        const CLOCK: &str = "Clocks agree";
        const SPEED: &str = "Answers in good time";
        let answered = probe.answered();
        if answered.is_empty() {
            self.skipped(&[CLOCK, SPEED], "Secure connection");
            return;
        }
        let side = self.side.label();
        // The date has whole seconds and was made before the answer travelled: the smallest difference is the truest.
        match answered.iter().filter_map(|seen| seen.skew_s).min_by_key(|skew| skew.abs()) {
            None => self.warned(CLOCK, format!("{side} did not say what time it is."), None),
            Some(skew) if skew.abs() <= SKEW_MAX_S => {
                self.passed(CLOCK, format!("{side}'s clock and ours differ by {} s at most.", skew.abs() + 1), None);
            }
            Some(skew) => {
                let which = if skew > 0 { "behind" } else { "ahead of" };
                self.warned(
                    CLOCK,
                    format!(
                        "This server's clock is {} s {which} {side}'s. Set it right: where the \
                    newest change wins, the wrong side could.",
                        skew.abs()
                    ),
                    None,
                );
            }
        }
        let mut times: Vec<u32> = answered.iter().map(|seen| seen.took_ms).collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let calls = if times.len() == 1 { "1 call".to_owned() } else { format!("{} calls", times.len()) };
        let seen = Seen { took_ms: median, ..Seen::default() };
        if median > SLOW_MS {
            self.warned(
                SPEED,
                format!("The median of {calls} was {median} ms. {side} is slow just now; long runs will take long."),
                Some(&seen),
            );
        } else {
            self.passed(SPEED, format!("The median of {calls} was {median} ms."), Some(&seen));
        }
    }

    /// What follows for the connection, with the reason. `None`: nothing.
    pub(super) fn verdict(&self) -> (Option<ConnectionState>, Option<String>) {
        match &self.verdict {
            None => (Some(ConnectionState::Healthy), None),
            Some((verdict, reason)) => (verdict.state(), Some(reason.clone())),
        }
    }

    pub(super) fn into_views(self) -> Vec<CheckStepView> {
        self.done
    }

    fn push(&mut self, title: &str, state: StepState, detail: String, seen: Option<&Seen>) {
        self.done.push(CheckStepView {
            title: title.to_owned(),
            state,
            detail,
            status: seen.and_then(|seen| seen.status),
            took_ms: seen.map(|seen| seen.took_ms),
        });
    }
}
