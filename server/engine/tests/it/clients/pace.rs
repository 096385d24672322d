//! The location's budget: windows, the reserve for live work, the day.

use super::script::{self, Script, Scripted, bulk, id, json, live, with};
use crate::setting::{START, TestClock};
use engine::{Clock as _, UpstreamClass, clients::Refusal};
use serde_json::json as j;
use std::sync::Arc;
use time::Duration;

fn found(left: u32) -> Scripted {
    let answer = json(200, j!({ "contact": { "id": "c1" } }));
    let answer = with(answer, "x-ratelimit-max", "100");
    let answer = with(answer, "x-ratelimit-interval-milliseconds", "10000");
    with(answer, "x-ratelimit-remaining", &left.to_string())
}

fn found_today(left: u32) -> Scripted {
    let answer = with(found(90), "x-ratelimit-limit-daily", "200000");
    with(answer, "x-ratelimit-daily-remaining", &left.to_string())
}

fn too_many() -> Scripted {
    let answer = json(429, j!({ "message": "Too many requests" }));
    with(with(answer, "x-ratelimit-interval-milliseconds", "10000"), "x-ratelimit-remaining", "0")
}

#[tokio::test]
async fn a_used_up_window_is_waited_out() {
    let clock = Arc::new(TestClock::default());
    let script = Script::of([found(0), found(99)]);
    let client = script::highlevel_on(&script, clock.clone());
    client.get(&live(), &id("c1")).await.unwrap();
    assert_eq!(client.tokens().left, 0);
    client.get(&live(), &id("c1")).await.unwrap();
    assert_eq!(clock.now() - START, Duration::seconds(10));
    assert_eq!((client.tokens().left, client.tokens().max), (99, 100));
}

#[tokio::test]
async fn the_last_calls_of_a_window_are_kept_for_live_work() {
    let clock = Arc::new(TestClock::default());
    let script = Script::of([found(5), found(4), found(99)]);
    let client = script::highlevel_on(&script, clock.clone());
    client.get(&bulk(), &id("c1")).await.unwrap();
    client.get(&live(), &id("c1")).await.unwrap();
    assert_eq!(clock.now(), START, "live work does not wait");
    client.get(&bulk(), &id("c1")).await.unwrap();
    assert_eq!(clock.now() - START, Duration::seconds(10), "bulk work does");
}

#[tokio::test]
async fn a_call_refused_for_its_rate_is_sent_again_when_the_window_is_over() {
    let clock = Arc::new(TestClock::default());
    let script = Script::of([too_many(), too_many(), found(99)]);
    let client = script::highlevel_on(&script, clock.clone());
    client.get(&live(), &id("c1")).await.unwrap();
    assert_eq!(clock.now() - START, Duration::seconds(20));
    assert_eq!(script.calls().len(), 3, "every call is in the journal");
}

#[tokio::test]
async fn after_four_refusals_the_caller_decides() {
    let script = Script::of([too_many(), too_many(), too_many(), too_many()]);
    let error = script::highlevel(&script).get(&live(), &id("c1")).await.unwrap_err();
    assert!(matches!(error.class, UpstreamClass::Rate { retry_after: Some(_) }));
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let answer = with(json(429, j!({})), "retry-after", "120");
    let script = Script::of([answer]);
    let error = script::highlevel(&script).get(&live(), &id("c1")).await.unwrap_err();
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(120)));
}

#[tokio::test]
async fn bulk_work_stops_at_nine_tenths_of_the_day() {
    let clock = Arc::new(TestClock::default());
    let script = Script::of([found_today(20_000), found_today(19_999), found_today(190_000)]);
    let client = script::highlevel_on(&script, clock.clone());
    client.get(&bulk(), &id("c1")).await.unwrap();
    let error = client.get(&bulk(), &id("c1")).await.unwrap_err();
    assert_eq!(error.refusal, Refusal::DayUsedUp);
    assert_eq!(error.status, None, "nothing was sent");
    client.get(&live(), &id("c1")).await.unwrap();
    clock.pass(Duration::minutes(15));
    client.get(&bulk(), &id("c1")).await.unwrap();
    assert_eq!(client.tokens().day_left, Some(190_000));
}
