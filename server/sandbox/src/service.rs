//! What the shell asks of a service: pure rules over requests, outgoing webhooks and the console. A service does no
//! I/O and reads no clock; the caller passes the time in.

use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    request::{Reply, Request},
    webhook::{Delivery, Outgoing, Settled},
};

/// How many requests a service works on at once, and how many may wait.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    /// Requests running at the same time; what arrives above is held back.
    pub running: usize,
    /// Requests held back at the same time; what arrives above gets [`Service::overloaded`].
    pub waiting: usize,
}

/// The rules of one side.
pub trait Service: Send + 'static {
    /// Answers one call of the public API.
    fn handle(&mut self, request: &Request, now: OffsetDateTime) -> Reply;

    /// Answers the pages and forms of the console: `/` and everything below `/console`. Edits made here fire the
    /// webhooks a user's edit would fire. `state` says what is switched on in the shell around the service.
    fn console(&mut self, request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply;

    /// Switches that only this side has: what follows `/_sandbox/` in the path. `None`: there is no such switch.
    fn control(&mut self, name: &str, request: &Request, now: OffsetDateTime) -> Option<Reply>;

    /// Hands out every webhook that is due. Each stays under way until [`Service::webhook_result`] names its delivery.
    fn due_webhooks(&mut self, now: OffsetDateTime) -> Vec<Outgoing>;

    /// What became of a webhook that was handed out: the status, or `None` when nobody answered.
    fn webhook_result(&mut self, delivery: u64, status: Option<u16>, now: OffsetDateTime) -> Settled;

    /// When the next webhook will be due; `None` while nothing waits.
    fn next_due(&self) -> Option<OffsetDateTime>;

    /// Where webhooks go from now on.
    fn set_webhook_target(&mut self, url: Option<String>);

    /// How webhooks are mistreated from now on.
    fn set_webhook_delivery(&mut self, delivery: Delivery);

    /// Makes every credential fail (`true`) or work again.
    fn set_key_revoked(&mut self, revoked: bool);

    /// Limit on work at the same time; `None` when the service counts calls instead.
    fn slots(&self) -> Option<Slots>;

    /// The answer to a call that finds both slots and queue full.
    fn overloaded(&self, now: OffsetDateTime) -> Reply;

    /// What a client needs to connect, without the base URL.
    fn credentials(&self) -> Value;
}

/// What the shell has switched on, for the console to say and to switch.
#[derive(Debug, Clone, Default)]
pub struct ShellState {
    /// One line per fault rule in force, in words.
    pub faults: Vec<String>,
    /// The latency in words, such as `50 ms`.
    pub latency: String,
    /// Whether the credentials are revoked.
    pub key_revoked: bool,
    /// Where webhooks go.
    pub webhook_target: Option<String>,
    /// How webhooks are mistreated.
    pub delivery: Delivery,
    /// Calls answered so far.
    pub calls: u64,
    /// Webhooks acknowledged so far.
    pub webhooks_acked: u64,
    /// Webhooks given up so far.
    pub webhooks_failed: u64,
}
