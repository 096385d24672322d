//! The control API below `/_sandbox/`: switches and counters for tests, demos and the console's buttons.

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::Duration;

use super::{
    faults::{Fault, FaultRule},
    side::Running,
};
use crate::{
    options::Latency,
    request::{Reply, Request},
    service::Service,
    webhook::Delivery,
};

/// Answers one control call.
pub(super) fn answer<S: Service>(running: &Running<S>, request: &Request) -> Reply {
    let name = request.path.strip_prefix("/_sandbox/").unwrap_or_default();
    if let Some(switch) = name.strip_prefix("switch/") {
        return switched(running, switch);
    }
    let reply = match (&request.method, name) {
        (&Method::GET, "faults") => Ok(Reply::json(200, &json!(running.world().script.rules))),
        (_, "faults") => read::<Vec<FaultRule>>(request).map(|rules| {
            running.world().script.rules = rules;
            done()
        }),
        (_, "latency") => read::<Latency>(request).map(|latency| {
            running.world().latency = latency;
            done()
        }),
        (&Method::GET, "stats") => Ok(Reply::json(200, &json!(running.world().stats.view))),
        (_, "stats/reset") => {
            running.world().stats.reset();
            Ok(done())
        }
        (&Method::GET, "requests") => Ok(requests(running, request)),
        (_, "webhook-target") => read::<Value>(request).map(|body| {
            running.set_target(body.get("url").and_then(Value::as_str).map(str::to_owned));
            done()
        }),
        (_, "webhooks") => read::<Delivery>(request).map(|delivery| {
            running.set_delivery(delivery);
            done()
        }),
        (_, "revoke-key") => {
            running.set_revoked(true);
            Ok(done())
        }
        (_, "restore-key") => {
            running.set_revoked(false);
            Ok(done())
        }
        (_, "clock") => read::<Value>(request).map(|body| {
            let seconds = body.get("advance_s").and_then(Value::as_i64).unwrap_or(0);
            running.clock.advance(Duration::seconds(seconds));
            running.wake.notify_one();
            done()
        }),
        _ => running
            .rules()
            .control(name, request, running.clock.now())
            .ok_or_else(|| Reply::json(404, &json!({ "error": format!("there is no switch {name}") }))),
    };
    running.wake.notify_one();
    reply.unwrap_or_else(|refusal| refusal)
}

fn done() -> Reply {
    Reply::json(200, &json!({ "ok": true }))
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Reply> {
    serde_json::from_slice(&request.body).map_err(|error| Reply::json(400, &json!({ "error": error.to_string() })))
}

/// The latest requests, oldest first; `?limit=` for fewer.
fn requests<S: Service>(running: &Running<S>, request: &Request) -> Reply {
    let limit = request.param("limit").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let world = running.world();
    let skip = world.stats.requests.len().saturating_sub(limit);
    let records: Vec<_> = world.stats.requests.iter().skip(skip).collect();
    Reply::json(200, &json!(records))
}

/// The console's buttons.
fn switched<S: Service>(running: &Running<S>, switch: &str) -> Reply {
    let fault = match switch {
        "slow" => Some(Fault::Slow { ms: 3_000 }),
        "storm" => Some(Fault::Status { status: 429, body: None, retry_after: None }),
        "outage" => {
            Some(Fault::Status { status: 503, body: Some(Value::from("Service Unavailable")), retry_after: None })
        }
        "revoke" => {
            running.set_revoked(true);
            return Reply::see_other("/");
        }
        "normal" => {
            running.set_revoked(false);
            running.set_delivery(Delivery::default());
            None
        }
        _ => return Reply::empty(404),
    };
    running.world().script.rules = fault.into_iter().map(|fault| FaultRule::always("*", fault)).collect();
    Reply::see_other("/")
}
