//! What Chargify's refusals mean, answer by answer.

use super::script::{self, Script, Scripted, fields, id, json, live, text, with};
use engine::{
    TransportError, UpstreamClass,
    clients::{CallError, Refusal},
};
use serde_json::json as j;
use std::time::Duration;

async fn on_read(answer: Scripted) -> CallError {
    let script = Script::of([answer]);
    script::chargify(&script).get(&live(), &id("1")).await.unwrap_err()
}

async fn on_create(answer: Scripted) -> CallError {
    let script = Script::of([answer]);
    script::chargify(&script).create(&live(), &fields([("first_name", "Ann")]), "t").await.unwrap_err()
}

#[tokio::test]
async fn all_shapes_of_422_become_a_list_of_messages() {
    let cases = [
        (
            j!({ "errors": ["First name: cannot be blank.", "Last name: cannot be blank."] }),
            "First name: cannot be blank.; Last name: cannot be blank.",
        ),
        (j!({ "errors": { "customer": "can't be blank" } }), "customer: can't be blank"),
        (
            j!({ "errors": { "address": { "zip": ["is bad", "is long"] } } }),
            "address.zip: is bad; address.zip: is long",
        ),
        (j!({ "error": "The root key 'metadata' is required" }), "The root key 'metadata' is required"),
        (j!(["plain", "list"]), "plain; list"),
        (j!({ "subscription": { "id": 1 } }), "status 422"),
    ];
    for (body, message) in cases {
        let error = on_create(json(422, body.clone())).await;
        assert_eq!((error.class, error.message.as_str()), (UpstreamClass::Rejected, message), "{body}");
    }
    assert_eq!(on_create(text(422, "no JSON at all")).await.message, "no JSON at all");
}

#[tokio::test]
async fn a_reference_that_is_taken_is_told_apart() {
    let taken = j!({ "errors": ["Reference: must be unique - that value has been taken."] });
    assert_eq!(on_create(json(422, taken)).await.refusal, Refusal::ReferenceTaken);
    let other = j!({ "errors": ["Reference: is too long."] });
    assert_eq!(on_create(json(422, other)).await.refusal, Refusal::Plain);
}

#[tokio::test]
async fn a_block_of_the_account_is_not_the_records_fault() {
    let cases = [
        ("Your Chargify account has been canceled. Please contact support@chargify.com to reactivate.", Refusal::Plain),
        ("Your trial has ended, please contact sales.", Refusal::Plain),
        ("Site data clearing is in progress. Please try later.", Refusal::ClearingInProgress),
        ("This site has been deleted.", Refusal::Plain),
    ];
    for (words, refusal) in cases {
        for body in [j!({ "errors": [words] }), j!({ "error": words })] {
            let error = on_read(json(422, body)).await;
            assert_eq!((error.class, error.refusal), (UpstreamClass::AccountBlocked, refusal.clone()), "{words}");
        }
    }
}

#[tokio::test]
async fn statuses_mean_what_they_say() {
    let denied = on_read(text(401, "HTTP Basic: Access denied.\n")).await;
    assert_eq!((denied.class, denied.message.as_str()), (UpstreamClass::Auth, "HTTP Basic: Access denied."));
    assert_eq!(on_read(text(403, "")).await.class, UpstreamClass::Permission);
    assert_eq!(on_read(text(404, "")).await.class, UpstreamClass::NotFound);
    assert_eq!(on_read(text(302, "")).await.class, UpstreamClass::Malformed);

    let again = on_create(json(409, j!({ "errors": ["DuplicatePrevention::DuplicateSubmissionError"] }))).await;
    assert_eq!((again.class, again.refusal), (UpstreamClass::Ambiguous, Refusal::DuplicateSubmission));

    let words = "Your request was denied due to a usage violation. You can track this request by referencing 7F.";
    let rate = on_read(text(429, words)).await;
    assert_eq!((rate.class, rate.message.as_str()), (UpstreamClass::Rate { retry_after: None }, words));
    let rate = on_read(with(text(429, words), "retry-after", "90")).await;
    assert_eq!(rate.class, UpstreamClass::Rate { retry_after: Some(Duration::from_secs(90)) });
}

#[tokio::test]
async fn what_broke_after_a_write_left_is_ambiguous() {
    let timeout = || Err(TransportError::TimedOut(Duration::from_secs(130)));
    let broken = || Err(TransportError::Broken("connection reset".to_owned()));
    let down = || text(500, "");
    for answer in [timeout, broken, down] {
        assert_eq!(on_create(answer()).await.class, UpstreamClass::Ambiguous);
        assert_eq!(on_read(answer()).await.class, UpstreamClass::Unavailable);
    }
    let refused = || Err(TransportError::Connect("connection refused".to_owned()));
    assert_eq!(on_create(refused()).await.class, UpstreamClass::Unavailable, "it never left");
    assert_eq!(on_create(text(201, "{\"customer\": {")).await.class, UpstreamClass::Ambiguous, "cut off");
    assert_eq!(on_read(text(200, "{\"customer\": {")).await.class, UpstreamClass::Malformed);
}
