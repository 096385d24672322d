//! Both services without sockets: the sandboxes' own rules, behind latency and faults in virtual time. A request that has
//! arrived is worked on whether or not its sender lives, as at any service.

mod course;
mod person;
mod wire;

pub use person::Refused;
pub use wire::NodeWire;

use crate::{
    clock::Timeline,
    dice::Dice,
    fields::PAIRS,
    history::{On, Plan, Weather},
    ledger::{By, Ledger, Shot, Shown},
    tally::Tally,
    trace::Trace,
};
use domain::{Side, limits};
use sandbox::{
    Options, chargify::Chargify, chargify::customers::Change, highlevel::HighLevel, request::Request, service::Service,
    webhook::Outgoing as Webhook,
};
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// Where the engine finds the services.
pub const HIGHLEVEL_URL: &str = "http://highlevel.sim";
pub const CHARGIFY_URL: &str = "http://chargify.sim";

/// Both services and what the world keeps about them.
pub struct Services {
    pub timeline: Arc<Timeline>,
    pub trace: Arc<Trace>,
    pub tally: Arc<Tally>,
    rules: Mutex<Rules>,
    state: Mutex<State>,
    /// Something may be there to be sent.
    pub mail: Notify,
    /// The ceiling the site was given.
    slots: usize,
}

/// The rules of both, and what was ever true in them.
pub struct Rules {
    pub highlevel: HighLevel,
    pub chargify: Chargify,
    pub ledger: Ledger,
    deleted: Vec<String>,
    /// Customers nobody looks at.
    crowd: VecDeque<i64>,
}

/// What surrounds the rules.
struct State {
    dice: Dice,
    weather: Weather,
    latency_ms: (u64, u64),
    /// Requests at Chargify.
    in_flight: Vec<InFlight>,
    high_water: usize,
    next_call: u64,
    counts: Counts,
    under_way: usize,
}

/// A request at Chargify.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    call: u64,
    node: u32,
    arrived_ms: u64,
}

impl InFlight {
    /// Whether somebody may know of it. Nobody can know how long a service goes on with what a dead node asked for, so
    /// what was on its way for a moment only when it died holds its slot for a moment.
    fn counts(self, deaths: &[(u32, u64)], now_ms: u64) -> bool {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let died_ms = deaths.iter().find(|(node, _)| *node == self.node).map(|(_, at_ms)| *at_ms);
        died_ms.is_none_or(|died_ms| {
            now_ms < died_ms + millis(limits::DEAD_SLOT_REST)
                || died_ms.saturating_sub(self.arrived_ms) > 2 * millis(limits::SLOT_MARK)
        })
    }
}

/// What was counted so far: calls and writes, GoHighLevel first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub calls: [u64; 2],
    pub writes: [u64; 2],
}

impl Counts {
    fn add(&mut self, side: Side, writes: bool) {
        let place = usize::from(side == Side::Chargify);
        for (counts, by) in [(&mut self.calls, 1), (&mut self.writes, u64::from(writes))] {
            if let Some(count) = counts.get_mut(place) {
                *count += by;
            }
        }
    }

    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let minus = |[a, b]: [u64; 2], [c, d]: [u64; 2]| [a - c, b - d];
        Self { calls: minus(self.calls, before.calls), writes: minus(self.writes, before.writes) }
    }

    #[must_use]
    pub fn all_calls(self) -> u64 {
        self.calls.iter().sum()
    }

    #[must_use]
    pub fn all_writes(self) -> u64 {
        self.writes.iter().sum()
    }
}

impl Services {
    /// The services of a plan, with the people they begin with. Webhooks go nowhere yet.
    #[must_use]
    pub fn new(plan: &Plan, seed: u64, timeline: Arc<Timeline>, trace: Arc<Trace>, tally: Arc<Tally>) -> Self {
        let options = Options {
            contacts: 0,
            customers: Some(0),
            seed,
            index_lag: Duration::from_secs(plan.index_lag_s),
            event_lag: Duration::from_secs(plan.event_lag_s),
            allow_duplicate_contacts: true,
            ..Options::default()
        };
        let mut rules = Rules {
            highlevel: HighLevel::new(&options, &[]),
            chargify: Chargify::new(&options),
            ledger: Ledger::default(),
            deleted: Vec::new(),
            crowd: VecDeque::new(),
        };
        rules.populate(plan, timeline.now() - time::Duration::days(1));
        rules.set_duplicates(plan.allow_duplicates);
        rules.look(Side::Highlevel, By::Person, Shot::default());
        rules.look(Side::Chargify, By::Person, Shot::default());
        let state = State {
            dice: Dice::new(seed, "calls"),
            weather: Weather::Fair,
            latency_ms: plan.latency_ms,
            in_flight: Vec::new(),
            high_water: 0,
            next_call: 0,
            counts: Counts::default(),
            under_way: 0,
        };
        Self {
            timeline,
            trace,
            tally,
            rules: Mutex::new(rules),
            state: Mutex::new(state),
            mail: Notify::new(),
            slots: usize::from(plan.slots),
        }
    }

    pub fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a client needs to connect, by name.
    #[must_use]
    pub fn credential(&self, side: Side, name: &str) -> String {
        let rules = self.rules();
        let all = match side {
            Side::Highlevel => rules.highlevel.credentials(),
            Side::Chargify => rules.chargify.credentials(),
        };
        all.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Webhooks go there from now on.
    pub fn send_webhooks_to(&self, highlevel: String, chargify: String) {
        let mut rules = self.rules();
        rules.highlevel.set_webhook_target(Some(highlevel));
        rules.chargify.set_webhook_target(Some(chargify));
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub fn set_revoked(&self, side: Side, revoked: bool) {
        let mut rules = self.rules();
        match side {
            Side::Highlevel => rules.highlevel.set_key_revoked(revoked),
            Side::Chargify => rules.chargify.set_key_revoked(revoked),
        }
    }

    /// Changes show up in GoHighLevel's search so much later from now on.
    pub fn set_search_lag(&self, seconds: u64) {
        let mut rules = self.rules();
        let main = rules.highlevel.main_location_id().to_owned();
        if let Some(location) = rules.highlevel.locations.get_mut(&main) {
            location.book.lag = time::Duration::seconds(i64::try_from(seconds).unwrap_or(0));
        }
    }

    /// Whether a call of that node has been at Chargify for so long that the node has told the store.
    #[must_use]
    pub fn hangs(&self, node: u32) -> bool {
        let now_ms = self.timeline.elapsed_ms();
        let told_ms = 2 * u64::try_from(limits::SLOT_MARK.as_millis()).unwrap_or(0);
        self.state().in_flight.iter().any(|one| one.node == node && now_ms.saturating_sub(one.arrived_ms) > told_ms)
    }

    /// Calls that arrived, and those of them that would write.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// The most requests Chargify had at once.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.state().high_water
    }

    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Requests the services are still at.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.state().under_way
    }

    /// Webhooks that are due.
    pub fn due_webhooks(&self) -> Vec<(Side, Webhook)> {
        let now = self.timeline.now();
        let mut rules = self.rules();
        let highlevel = rules.highlevel.due_webhooks(now).into_iter().map(|one| (Side::Highlevel, one));
        let mut due: Vec<_> = highlevel.collect();
        due.extend(rules.chargify.due_webhooks(now).into_iter().map(|one| (Side::Chargify, one)));
        due
    }

    pub fn webhook_result(&self, side: Side, delivery: u64, status: Option<u16>) {
        let now = self.timeline.now();
        let mut rules = self.rules();
        let _settled = match side {
            Side::Highlevel => rules.highlevel.webhook_result(delivery, status, now),
            Side::Chargify => rules.chargify.webhook_result(delivery, status, now),
        };
    }

    /// When the next webhook is due.
    #[must_use]
    pub fn next_webhook(&self) -> Option<OffsetDateTime> {
        let rules = self.rules();
        rules.highlevel.next_due().into_iter().chain(rules.chargify.next_due()).min()
    }

    pub fn note(&self, line: std::fmt::Arguments<'_>) {
        self.trace.note(self.timeline.elapsed_ms(), line);
    }
}

impl Rules {
    /// Answers a call as the service does.
    fn answer(&mut self, side: Side, request: &Request, now: OffsetDateTime) -> sandbox::request::Reply {
        match side {
            Side::Highlevel => self.highlevel.handle(request, now),
            Side::Chargify => self.chargify.handle(request, now),
        }
    }

    /// Writes down what is different on a side; true: something is.
    fn look(&mut self, side: Side, by: By, shot: Shot) -> bool {
        let Self { highlevel, chargify, ledger, crowd, .. } = self;
        match side {
            Side::Highlevel => {
                let book = highlevel.main().map(|location| &location.book);
                let rows = book.into_iter().flat_map(|book| book.iter()).map(|contact| {
                    let text = |value: &Option<String>| value.clone().unwrap_or_default();
                    let values = vec![
                        text(&contact.first_name),
                        text(&contact.last_name),
                        text(&contact.email),
                        text(&contact.phone),
                        text(&contact.company_name),
                        text(&contact.city),
                        String::new(),
                    ];
                    Shown { id: contact.id.as_str().into(), values, stamp: contact.date_updated }
                });
                ledger.look(side, rows, by, shot)
            }
            Side::Chargify => {
                let rows = chargify.customers.iter().filter(|customer| !crowd.contains(&customer.id)).map(|customer| {
                    let mut values: Vec<String> =
                        PAIRS.iter().map(|pair| customer.text_or_blank(pair.customer).to_owned()).collect();
                    values.push(customer.text_or_blank("reference").to_owned());
                    Shown { id: customer.id.to_string().into(), values, stamp: customer.updated_at }
                });
                ledger.look(side, rows, by, shot)
            }
        }
    }

    fn set_duplicates(&mut self, allowed: bool) {
        let main = self.highlevel.main_location_id().to_owned();
        if let Some(location) = self.highlevel.locations.get_mut(&main) {
            location.allow_duplicates = allowed;
        }
    }

    fn populate(&mut self, plan: &Plan, at: OffsetDateTime) {
        for no in 0..plan.crowd {
            let named = [("first_name", "Nobody".to_owned()), ("last_name", format!("Nobody{no}"))];
            let mailed = named.into_iter().chain([("email", format!("nobody{no}@sim.example"))]);
            let change = mailed.fold(Change::default(), |change, (name, text)| change.with(name, &text));
            self.crowd.extend(self.chargify.add_customer(change, at).ok());
        }
        for person in &plan.people {
            let mut contact_id = None;
            let value = |place: usize| match place {
                1 if !person.has_last_name => None,
                2 => person.email_no.map(|no| crate::fields::value(2, no)),
                _ => Some(crate::fields::value(place, person.no)),
            };
            if person.on != On::Chargify {
                let properties: Map<String, Value> = PAIRS
                    .iter()
                    .enumerate()
                    .filter_map(|(place, pair)| Some((pair.contact.to_owned(), json!(value(place)?))))
                    .collect();
                contact_id = self.highlevel.add_contact(&Value::Object(properties), at).ok().map(|contact| contact.id);
            }
            if person.on != On::Highlevel {
                let differing = |place: usize| person.differs_in == Some(place);
                let mut change = PAIRS.iter().enumerate().fold(Change::default(), |change, (place, pair)| {
                    let own = differing(place).then(|| crate::fields::value(place, person.no - 1_000));
                    match own.or_else(|| value(place)) {
                        Some(text) => change.with(pair.customer, &text),
                        None => change,
                    }
                });
                if let Some(id) = contact_id.filter(|_| person.referenced) {
                    change = change.with("reference", &id);
                }
                // Two of one e-mail address may meet here; Chargify takes both.
                drop(self.chargify.add_customer(change, at));
            }
        }
    }
}
