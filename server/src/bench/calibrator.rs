//! What nobody can beat: as many connections as there are slots, each sending the next call as soon as its last one is
//! answered, without any logic. The calls are those the product makes at Chargify.

use crate::simulation::Simulation;
use anyhow::Context as _;
use engine::{Clock as _, SystemClock};
use sandbox::seed::{self, Person};
use serde_json::{Map, Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::task::JoinSet;

/// The calls of one sync at Chargify.
pub(crate) struct Calls {
    list: Vec<Call>,
}

struct Call {
    target: String,
    /// `None`: a read.
    body: Option<Vec<u8>>,
}

impl Calls {
    /// The calls of a first sync of these people, with as many reads as the product made.
    pub(crate) fn of(contacts: usize, seed: u64, list_reads: u64, event_reads: u64) -> Self {
        let read = |target: String| Call { target, body: None };
        let mut list = vec![read("/events.json?direction=desc&per_page=1".to_owned())];
        list.extend(
            (1..=list_reads).map(|page| read(format!("/customers.json?page={page}&per_page=200&direction=asc"))),
        );
        let mut people = seed::people(seed, contacts, 0);
        seed::clean(&mut people);
        list.extend(
            people.iter().map(|person| Call { target: "/customers.json".to_owned(), body: Some(body(person)) }),
        );
        let events = "/events.json?direction=asc&since_id=1&per_page=200";
        list.extend((2..=event_reads).map(|page| read(format!("{events}&page={}", page - 1))));
        Self { list }
    }
}

/// The customer as the default mapping makes it.
fn body(person: &Person) -> Vec<u8> {
    let fields = [
        ("first_name", &person.first_name),
        ("last_name", &person.last_name),
        ("email", &person.email),
        ("phone", &person.phone),
        ("organization", &person.company),
        ("address", &person.address),
        ("city", &person.city),
        ("state", &person.state),
        ("zip", &person.postal_code),
        ("country", &person.country),
    ];
    let mut customer: Map<String, Value> =
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))).collect();
    customer.insert("reference".to_owned(), json!(person.contact_id));
    json!({ "customer": customer, "uniqueness_token": format!("token-{}", person.contact_id) }).to_string().into_bytes()
}

/// Makes all calls over `connections` connections; returns how long it took, in milliseconds.
pub(crate) async fn run(simulation: &Simulation, calls: Calls, connections: u16) -> anyhow::Result<u64> {
    let base_url: Arc<str> = Arc::from(simulation.told("chargify", "base_url"));
    let api_key: Arc<str> = Arc::from(simulation.told("chargify", "api_key"));
    let client = reqwest::Client::builder().no_proxy().build()?;
    let (calls, next) = (Arc::new(calls), Arc::new(AtomicUsize::new(0)));
    let clock = SystemClock::new();
    let mut loops = JoinSet::new();
    for _ in 0..connections {
        let (client, calls, next) = (client.clone(), Arc::clone(&calls), Arc::clone(&next));
        let (base_url, api_key) = (Arc::clone(&base_url), Arc::clone(&api_key));
        loops.spawn(async move {
            while let Some(call) = calls.list.get(next.fetch_add(1, Ordering::Relaxed)) {
                let url = format!("{base_url}{}", call.target);
                let request = match &call.body {
                    Some(body) => client.post(url).header("content-type", "application/json").body(body.clone()),
                    None => client.get(url),
                };
                let answer = request.basic_auth(&api_key, Some("x")).send().await?.error_for_status()?;
                answer.bytes().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = loops.join_next().await {
        ended?.context("the calibrator's calls were refused")?;
    }
    Ok(clock.monotonic_ms())
}
