//! The ways in which GoHighLevel says no, told apart by what stands with the connection, whoever met them.

use super::{crm, world_with_app};
use crate::{
    connections::place::Place,
    support::{Setup, World},
};
use domain::denial::Denial;
use engine::{CredentialField, Worker};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
use sqlx::PgPool;

fn no(status: u16, message: &str) -> Fault {
    let body = Some(json!({ "statusCode": status, "message": message }));
    Fault::Status { status, body, retry_after: None }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_test_tells_each_kind_of_no_apart_and_what_to_press(pool: PgPool) {
    let place = Place::open(&pool, 1).await;
    place.add_highlevel(None).await;
    let (_, elsewhere) = place.sandbox.highlevel.with(|side, _now| side.add_location("Somebody else"));
    let token = |body: Value| {
        let url = format!("{}/_sandbox/tokens", place.sandbox.highlevel.base_url);
        async move {
            let made = reqwest::Client::new().put(url).body(body.to_string()).send().await.unwrap();
            let made: Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
            made["token"].as_str().unwrap().to_owned()
        }
    };
    let cases = [
        ("pit-00000000-0000-4000-8000-000000000000".to_owned(), Denial::TokenUnknown, "Private Integrations"),
        (token(json!({ "scopes": ["contacts.readonly"] })).await, Denial::ScopeMissing, "contacts.write"),
        (token(json!({ "company": true })).await, Denial::TokenClass, "Private Integrations"),
        (elsewhere, Denial::OtherLocation, "Check the location id"),
    ];
    for (token, denial, press) in cases {
        place.engine.rotate_credential(&place.by, "crm", CredentialField::Token, token.into()).await.unwrap();
        assert!(!place.test("crm").await.passed, "{denial:?}");
        let view = place.view("crm").await;
        assert_eq!((view.state.as_str(), view.denial()), ("refused", Some(denial)));
        let detail = view.state_detail.unwrap();
        assert!(detail.contains(press), "{detail}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn live_work_that_meets_a_no_leaves_its_kind_with_the_connection(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@oauth.example");
    world_with_app(&world, None).await;
    world.run("full").await;
    world.skip_webhooks(2).await;
    let cases = [
        (401, "The token is not authorized for this scope.", Denial::ScopeMissing),
        (403, "The token does not have access to this location.", Denial::OtherLocation),
        (401, "Invalid token: access token is invalid", Denial::TokenUnknown),
    ];
    for (n, (status, message, denial)) in cases.into_iter().enumerate() {
        world.sandbox.highlevel.set_faults(vec![FaultRule::always("GET /contacts/*", no(status, message))]);
        world.edit_contact(&contact, &json!({ "city": format!("City {n}") }));
        let mut told = world.webhook().await;
        while !told.tells("ContactUpdate") {
            told = world.webhook().await;
        }
        world.receive(&told).await;
        while !Worker::new(world.engine.clone()).step().await.unwrap() {
            sqlx::query("update job set run_at = now() where state = 'ready'").execute(&pool).await.unwrap();
        }
        let view = crm(&world.engine).await;
        assert_eq!((view.state.as_str(), view.denial()), ("refused", Some(denial)), "{:?}", view.state_detail);
        assert!(view.state_detail.unwrap().contains(message.trim_end_matches('.')));
        assert_eq!(world.count("select count(*) from delivery where outcome = 'failed'").await, 0);
    }
    world.sandbox.highlevel.set_faults(Vec::new());
    sqlx::query("update job set run_at = now() where state = 'ready'").execute(&pool).await.unwrap();
    world.drain().await;
    assert_eq!(world.customer_text(world.customer_of(&contact), "city"), "City 2");
}
