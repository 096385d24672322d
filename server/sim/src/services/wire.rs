//! A node's wire to both services.

use super::{
    CHARGIFY_URL, HIGHLEVEL_URL, InFlight, Services,
    course::{Course, Hears},
};
use crate::{
    ledger::{By, Heard as HeardCall, Shot, Write},
    life::Life,
};
use domain::Side;
use engine::{Incoming, Outgoing, Transport, TransportError};
use futures::future::{BoxFuture, Either, select};
use sandbox::{
    request::{Reply, Request, pairs},
    service::Service as _,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

type Heard = Result<Incoming, TransportError>;

/// One node's end of the wire.
pub struct NodeWire {
    services: Arc<Services>,
    node: u32,
    life: Arc<Life>,
    /// Used by a planted mistake only.
    cache: Mutex<BTreeMap<String, Incoming>>,
}

/// A request under way.
struct Call {
    side: Side,
    node: u32,
    request: Request,
    writes: bool,
    sent_ms: u64,
    life: Arc<Life>,
}

/// What the service made of a call: its reply, and the write's place in the ledger.
struct Done {
    reply: Reply,
    write: Option<usize>,
}

impl NodeWire {
    #[must_use]
    pub fn new(services: Arc<Services>, node: u32, life: Arc<Life>) -> Self {
        Self { services, node, life, cache: Mutex::default() }
    }
}

impl Transport for NodeWire {
    fn send(&self, outgoing: Outgoing) -> BoxFuture<'_, Heard> {
        Box::pin(async move {
            if engine::planted!(CachedLists) && self.is_list(&outgoing) {
                return self.remembered(outgoing).await;
            }
            let again = engine::planted!(WireRetries).then(|| outgoing.clone());
            match (self.once(outgoing).await, again) {
                (Err(TransportError::Broken(_) | TransportError::TimedOut(_)), Some(again)) => self.once(again).await,
                (heard, _) => heard,
            }
        })
    }
}

impl NodeWire {
    async fn once(&self, outgoing: Outgoing) -> Heard {
        self.life.step("call").await;
        let timeout = outgoing.timeout;
        let (tell, heard) = oneshot::channel();
        let Some(call) = self.read(outgoing) else {
            return Err(TransportError::Connect("there is nobody at this address".to_owned()));
        };
        tokio::spawn(Arc::clone(&self.services).work(call, tell));
        let patience = Box::pin(self.services.timeline.sleep(timeout));
        let heard = select(heard, patience).await;
        self.life.step("answer").await;
        match heard {
            Either::Left((Ok(heard), _)) => heard,
            Either::Left((Err(_closed), _)) => Err(TransportError::Broken("the connection was closed".to_owned())),
            Either::Right(_) => {
                self.services.tally.count("answers not waited for");
                Err(TransportError::TimedOut(timeout))
            }
        }
    }

    fn is_list(&self, outgoing: &Outgoing) -> bool {
        outgoing.url.ends_with("/contacts/search") || outgoing.url.contains("/customers.json?page=1")
    }

    /// A wire with a planted mistake: it remembers the first whole list it heard.
    async fn remembered(&self, outgoing: Outgoing) -> Heard {
        let key = outgoing.url.clone();
        let known = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let heard = self.once(outgoing).await?;
        if heard.status == 200 {
            self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, heard.clone());
        }
        Ok(heard)
    }

    fn read(&self, outgoing: Outgoing) -> Option<Call> {
        let (side, target) = [(Side::Highlevel, HIGHLEVEL_URL), (Side::Chargify, CHARGIFY_URL)]
            .into_iter()
            .find_map(|(side, base)| Some((side, outgoing.url.strip_prefix(base)?.to_owned())))?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let writes = outgoing.method != http::Method::GET && !path.ends_with("/search");
        let request = Request {
            method: outgoing.method,
            path: path.to_owned(),
            query: pairs(query),
            headers: outgoing.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body: outgoing.body.unwrap_or_default(),
        };
        let sent_ms = self.services.timeline.elapsed_ms();
        Some(Call { side, node: self.node, request, writes, sent_ms, life: Arc::clone(&self.life) })
    }
}

impl Services {
    /// Carries a call out, from its arrival to its end.
    async fn work(self: Arc<Self>, call: Call, tell: oneshot::Sender<Heard>) {
        let (course, no) = self.arrive(&call);
        let mut tell = Some(tell);
        let mut now_ms = 0;
        if course.hears == Hears::Cut && course.done_ms.is_some_and(|done_ms| done_ms > course.heard_ms) {
            self.wait_until(&mut now_ms, course.heard_ms).await;
            self.tell(&call, &mut tell, Err(TransportError::Broken("connection reset".to_owned())), None);
        }
        let mut done = None;
        if let Some(done_ms) = course.done_ms {
            self.wait_until(&mut now_ms, done_ms).await;
            done = Some(self.carry_out(&call));
        }
        self.wait_until(&mut now_ms, course.over_ms()).await;
        let write = done.as_ref().and_then(|done| done.write);
        let heard = self.heard(&call, &course, done.map(|done| done.reply));
        self.leave(&call, &course, &heard, no);
        self.tell(&call, &mut tell, heard, write.filter(|_| course.hears == Hears::Answer));
    }

    async fn wait_until(&self, now_ms: &mut u64, then_ms: u64) {
        if then_ms > *now_ms {
            self.timeline.sleep(Duration::from_millis(then_ms - *now_ms)).await;
            *now_ms = then_ms;
        }
    }

    /// What becomes of the call, and its number among those at Chargify.
    fn arrive(&self, call: &Call) -> (Course, u64) {
        let now_ms = self.timeline.elapsed_ms();
        let rules = self.rules();
        let mut state = self.state();
        let weather = state.weather;
        let latency_ms = state.latency_ms;
        let course = Course::draw(&mut state.dice, weather, call.side, latency_ms);
        state.under_way += 1;
        state.next_call += 1;
        let no = state.next_call;
        if course.hears == Hears::Refused {
            return (course, no);
        }
        state.counts.add(call.side, call.writes);
        if call.side == Side::Chargify {
            state.in_flight.push(InFlight { call: no, node: call.node, arrived_ms: now_ms });
            let deaths = &rules.ledger.deaths;
            let at_once = state.in_flight.iter().filter(|one| one.counts(deaths, now_ms)).count();
            state.high_water = state.high_water.max(at_once);
        }
        (course, no)
    }

    /// The moment at which the service acts.
    fn carry_out(&self, call: &Call) -> Done {
        let now_ms = self.timeline.elapsed_ms();
        let mut rules = self.rules();
        let reply = rules.answer(call.side, &call.request, self.timeline.now());
        let (mut changed, mut write) = (false, None);
        if call.writes {
            let shot = Shot { at_ms: now_ms, sent_ms: call.sent_ms };
            changed = rules.look(call.side, By::Engine, shot);
            write = Some(rules.ledger.note_write(Write {
                side: call.side,
                path: call.request.path.clone(),
                shot,
                node: call.node,
                status: reply.status,
                changed,
                heard_ms: None,
            }));
        }
        drop(rules);
        self.note(format_args!(
            "node {} {} {} {}{} -> {}{}{}",
            call.node,
            call.side,
            call.request.method,
            call.request.path,
            Query(&call.request.query),
            reply.status,
            if call.writes && !changed { " (nothing new)" } else { "" },
            Body(call),
        ));
        self.mail.notify_one();
        Done { reply, write }
    }

    fn heard(&self, call: &Call, course: &Course, reply: Option<Reply>) -> Heard {
        let broken = |why: &str| Err(TransportError::Broken(why.to_owned()));
        let incoming = |reply: Reply| {
            let headers = reply.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
            Ok(Incoming { status: reply.status, headers, body: reply.body })
        };
        match &course.hears {
            Hears::Answer => reply.map_or_else(|| broken("no answer"), incoming),
            Hears::Refused => Err(TransportError::Connect("connection refused".to_owned())),
            Hears::Cut => broken("connection reset"),
            Hears::Nonsense => incoming(Reply::html(200, "<html><body>One moment, please</body></html>")),
            Hears::Status(status) => incoming(Reply::text(*status, "Something went wrong.")),
            Hears::TooMany(says) => {
                let rules = self.rules();
                let now = self.timeline.now();
                let reply = match call.side {
                    Side::Highlevel => rules.highlevel.overloaded(now),
                    Side::Chargify => rules.chargify.overloaded(now),
                };
                incoming(match says {
                    Some(seconds) => reply.with_header("retry-after", seconds.to_string()),
                    None => reply,
                })
            }
        }
    }

    fn leave(&self, call: &Call, course: &Course, heard: &Heard, no: u64) {
        let mut state = self.state();
        state.under_way -= 1;
        state.in_flight.retain(|one| one.call != no);
        drop(state);
        self.tally.count("calls");
        if course.hears == Hears::Answer && course.name == "answered" {
            return;
        }
        self.tally.count(course.name);
        let status = heard.as_ref().map(|incoming| incoming.status).unwrap_or_default();
        let (method, path) = (&call.request.method, &call.request.path);
        self.note(format_args!("node {} {} {method} {path}: {} ({status})", call.node, call.side, course.name));
    }

    fn tell(&self, call: &Call, tell: &mut Option<oneshot::Sender<Heard>>, heard: Heard, write: Option<usize>) {
        let Some(tell) = tell.take() else { return };
        let now_ms = self.timeline.elapsed_ms();
        let is_heard = !call.life.is_dead() && !tell.is_closed();
        if is_heard {
            let status = heard.as_ref().ok().map(|incoming| incoming.status);
            let (side, node, sent_ms) = (call.side, call.node, call.sent_ms);
            let looks = call.request.path.ends_with("/search/duplicate");
            self.rules().ledger.heard.push(HeardCall { side, node, sent_ms, heard_ms: now_ms, status, looks });
        }
        if let Ok(incoming) = &heard
            && is_heard
        {
            let mut rules = self.rules();
            if (200..300).contains(&incoming.status) {
                rules.ledger.hear(Some(call.node), &String::from_utf8_lossy(&incoming.body), now_ms);
            }
            if let Some(write) = write {
                rules.ledger.note_heard(write, now_ms);
            }
        }
        // Nobody may be waiting any more.
        drop(tell.send(heard));
    }
}

struct Query<'a>(&'a [(String, String)]);

impl std::fmt::Display for Query<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}={value}", if place == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// What a write carries.
struct Body<'a>(&'a Call);

impl std::fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.writes { write!(f, " {}", String::from_utf8_lossy(&self.0.request.body)) } else { Ok(()) }
    }
}
