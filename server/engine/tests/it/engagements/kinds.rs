//! Each kind in its own words.

use super::{ALL, NOTES, pair};
use domain::Side;
use serde_json::{Value as Json, json};
use sqlx::PgPool;
use std::time::Duration;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_task_says_how_it_stands(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, ALL, true).await;
    let sub = subscription.unwrap();
    let wish = json!({ "title": "Send the quote", "body": "two seats", "dueDate": "2026-09-01T17:00:00Z", "completed": false });
    let made = world.person("POST", &format!("/contacts/{contact}/tasks"), wish).await;
    let id = made["task"]["id"].as_str().unwrap().to_owned();
    world.hear("TaskCreate").await;
    let text = format!("[GHL task {id}] open, due 2026-09-01: Send the quote\ntwo seats");
    assert_eq!(world.notes_of(sub), std::slice::from_ref(&text));
    assert_eq!(world.calls(), (2, 1), "its webhook names no contact: it is searched for, then read");

    world.person("PUT", &format!("/contacts/{contact}/tasks/{id}/completed"), json!({ "completed": true })).await;
    world.hear("TaskComplete").await;
    assert_eq!(world.notes_of(sub), [text.replace("open", "done")]);
    assert_eq!(world.calls(), (1, 1));

    world.person("DELETE", &format!("/contacts/{contact}/tasks/{id}"), Json::Null).await;
    world.hear("TaskDelete").await;
    assert!(world.notes_of(sub)[0].starts_with(&format!("[GHL task {id}] deleted in GoHighLevel on ")));
    assert_eq!(world.calls(), (0, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_appointment_is_taken_from_its_webhook_and_an_older_one_ignored(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, ALL, true).await;
    let sub = subscription.unwrap();
    let calendar = world.sandbox.highlevel.with(|rules, _| rules.main().unwrap().calendars[0].id.clone());
    let wish = json!({
        "calendarId": calendar, "locationId": world.sandbox.highlevel.credential("location_id"), "contactId": contact,
        "startTime": "2026-09-01T10:00:00-06:00", "endTime": "2026-09-01T10:30:00-06:00", "title": "Demo",
    });
    let made = world.person("POST", "/calendars/events/appointments", wish).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/calendars/events/appointments/{id}");
    world.hear("AppointmentCreate").await;
    let text =
        format!("[GHL appointment {id}] 2026-09-01 10:00 -06:00, confirmed: Demo\nUntil: 2026-09-01 10:30 -06:00");
    assert_eq!((world.notes_of(sub), world.calls()), (vec![text.clone()], (0, 1)));

    world.sandbox.highlevel.advance(Duration::from_secs(5));
    world.person("PUT", &path, json!({ "appointmentStatus": "noshow" })).await;
    let late = world.webhook().await;
    world.sandbox.highlevel.advance(Duration::from_secs(5));
    world.person("PUT", &path, json!({ "appointmentStatus": "showed" })).await;
    world.hear("AppointmentUpdate").await;
    assert_eq!((world.notes_of(sub), world.calls()), (vec![text.replace("confirmed", "showed")], (0, 1)));
    world.reset_stats();
    world.receive(&late).await;
    world.drain().await;
    assert_eq!((world.notes_of(sub), world.calls()), (vec![text.replace("confirmed", "showed")], (0, 0)));

    // Read by a full run, it is the same although its list tells no offsets.
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), world.writes()), ("complete", 0));
    assert_eq!(world.calls_to(Side::Highlevel, "GET /calendars/events/appointments/{id}"), 0);

    world.person("DELETE", &format!("/calendars/events/{id}"), json!({})).await;
    world.hear("AppointmentDelete").await;
    assert!(world.notes_of(sub)[0].starts_with(&format!("[GHL appointment {id}] deleted in GoHighLevel on ")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_came_from_chargify_is_not_sent_back(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    world.add_note(&contact, "[GHL note abcdefghij] 2026-08-30\npasted from the billing system").await;
    world.hear("NoteCreate").await;
    assert!(world.notes_of(subscription.unwrap()).is_empty());
    let (state, why) = world.standing().await;
    assert!(state == "left_out" && why.contains("came from Chargify"), "{state}: {why}");
}
