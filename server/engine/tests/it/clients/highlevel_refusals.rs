//! What GoHighLevel's refusals mean, answer by answer.

use super::script::{self, Script, Scripted, fields, id, json, live, text, with};
use engine::{
    TransportError, UpstreamClass,
    clients::{CallError, Refusal},
};
use serde_json::{Value as Json, json as j};
use std::time::Duration;

async fn on_read(answer: Scripted) -> CallError {
    let script = Script::of([answer]);
    script::highlevel(&script).get(&live(), &id("c1")).await.unwrap_err()
}

async fn on_write(answer: Scripted) -> CallError {
    let script = Script::of([answer]);
    script::highlevel(&script).update(&live(), &id("c1"), &fields([("city", "Rome")])).await.unwrap_err()
}

fn says(status: u16, message: &str) -> (u16, Json) {
    (status, j!({ "statusCode": status, "message": message }))
}

#[tokio::test]
async fn the_words_decide_between_the_kinds_of_no() {
    use UpstreamClass::{Auth, NotFound, Permission, Rejected};
    let cases = [
        (says(401, "Invalid token: access token is invalid"), Auth, Refusal::CredentialInvalid),
        (says(401, "Invalid Private Integration token"), Auth, Refusal::CredentialInvalid),
        (says(401, "The token is not authorized for this scope."), Permission, Refusal::ScopeMissing),
        (says(401, "Token's user type mismatch!"), Permission, Refusal::WrongTokenClass),
        (
            says(401, "This authClass type is not allowed to access this scope. Please verify your IAM configuration."),
            Permission,
            Refusal::WrongTokenClass,
        ),
        (says(401, "version header was not found."), Rejected, Refusal::Plain),
        (says(401, "The user does not exist."), NotFound, Refusal::Plain),
        (says(403, "The token does not have access to this location."), Permission, Refusal::OtherLocation),
        (says(403, "Forbidden resource"), Permission, Refusal::Plain),
        (says(404, "Contact not found"), NotFound, Refusal::Plain),
        (says(404, "Cannot GET /contact/x"), Rejected, Refusal::Plain),
        (says(400, "Contact with id x not found"), NotFound, Refusal::Plain),
        (says(400, "Invalid field additional_phones"), Rejected, Refusal::Plain),
        (says(409, "conflict"), Rejected, Refusal::Plain),
    ];
    for ((status, body), class, refusal) in cases {
        let error = on_read(json(status, body.clone())).await;
        assert_eq!((error.class, error.refusal), (class, refusal), "{body}");
        assert_eq!(error.status, Some(status));
        assert_eq!(error.message, body["message"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_duplicate_names_the_contact_that_exists() {
    let body = j!({
        "statusCode": 400, "message": "This location does not allow duplicated contacts.",
        "meta": { "contactName": "Example Person", "contactId": "dup-1", "matchingField": "phone" },
    });
    let error = on_write(json(400, body)).await;
    let known = Refusal::DuplicateContact { contact_id: Some(id("dup-1")), matching_field: Some("phone".to_owned()) };
    assert_eq!((error.class, error.refusal), (UpstreamClass::Rejected, known));

    let error = on_write(json(400, says(400, "This location does not allow duplicated contacts.").1)).await;
    let unknown = Refusal::DuplicateContact { contact_id: None, matching_field: None };
    assert_eq!(error.refusal, unknown);
}

#[tokio::test]
async fn refused_properties_are_named() {
    let body =
        j!({ "message": ["property a should not exist", "property b should not exist", "city must be a string"] });
    let error = on_write(json(422, body)).await;
    assert_eq!(error.refusal, Refusal::PropertiesRefused(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(error.class, UpstreamClass::Rejected);
    assert!(error.message.contains("city must be a string"));
}

#[tokio::test]
async fn what_broke_after_a_write_left_is_ambiguous() {
    let timeout = || Err(TransportError::TimedOut(Duration::from_secs(130)));
    let broken = || Err(TransportError::Broken("connection reset".to_owned()));
    let refused = || Err(TransportError::Connect("connection refused".to_owned()));
    let down = || text(503, "<html>Service Unavailable</html>");
    for answer in [timeout, broken, down] {
        assert_eq!(on_write(answer()).await.class, UpstreamClass::Ambiguous);
        assert_eq!(on_read(answer()).await.class, UpstreamClass::Unavailable);
    }
    assert_eq!(on_write(refused()).await.class, UpstreamClass::Unavailable, "it never left");
    assert_eq!(on_read(down()).await.message, "status 503", "a page of HTML is no message");
}

#[tokio::test]
async fn a_long_message_is_cut_to_one_line() {
    let error = on_read(text(400, &"word \n".repeat(200))).await;
    assert_eq!(error.message.chars().count(), 300);
    assert!(!error.message.contains('\n') && error.message.ends_with('…'));
}

#[tokio::test]
async fn a_day_used_up_is_not_tried_again() {
    let answer = with(json(429, j!({ "message": "Too many requests" })), "x-ratelimit-daily-remaining", "0");
    let error = on_read(with(answer, "x-ratelimit-daily-reset", "3600000")).await;
    let hour = Some(Duration::from_secs(3_600));
    assert_eq!((error.class, error.refusal), (UpstreamClass::Rate { retry_after: hour }, Refusal::DayUsedUp));
    assert_eq!(error.retry_after, hour);
}
