//! Webhooks of both services after damage, signed all the same: each is recorded, refused or ignored, ends in one
//! outcome, and stands in nobody's way.

use super::{ROUND, damage};
use crate::{
    deliveries::{pem, signed, signing_key, tagged},
    support::{SYNC, Setup, World},
};
use domain::Side;
use engine::Received;
use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
use secrecy::SecretString;
use sqlx::PgPool;
use std::time::{Duration, Instant};

const SHARED_KEY: &str = "shared-key-0123456789";

/// The world's own connections, with keys of which we hold both halves.
async fn take_our_keys(world: &World) {
    let (highlevel, chargify) = (&world.sandbox.highlevel, &world.sandbox.chargify);
    let file = format!(
        "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"{}\"\ntoken_env = \"TOKEN\"\nbase_url = \"{}\"\n\
         webhook_public_key = \"\"\"{}\"\"\"\n\
         [[connection]]\nname = \"billing\"\nkind = \"chargify\"\nsubdomain = \"{}\"\napi_key_env = \"KEY\"\n\
         shared_key_env = \"SHARED\"\nbase_url = \"{}\"\n",
        highlevel.credential("location_id"),
        highlevel.base_url,
        pem(&signing_key()),
        chargify.credential("subdomain"),
        chargify.base_url,
    );
    let credentials = |name: &str| {
        Ok(SecretString::from(match name {
            "TOKEN" => highlevel.credential("token"),
            "KEY" => chargify.credential("api_key"),
            _ => SHARED_KEY,
        }))
    };
    world.engine.apply(&world.viewer().await, &file, &credentials).await.unwrap();
}

/// What both services really send, by side.
async fn genuine(world: &World) -> Vec<(Side, Vec<u8>)> {
    let contact = world.add_contact("Zoë", "Lindqvist", "zoe@fuzz.example");
    world.edit_contact(&contact, &serde_json::json!({ "city": "Uppsala", "tags": ["vip", "späť"] }));
    let customer = world.add_customer(&[("first_name", "Ada"), ("last_name", "Ö"), ("email", "ada@fuzz.example")]);
    world.edit_customer(customer, &[("city", "Göteborg")]);
    let mut all = Vec::new();
    for _ in 0..4 {
        let webhook = world.webhook().await;
        all.push((webhook.side, webhook.body().to_vec()));
    }
    let location = world.sandbox.highlevel.credential("location_id");
    for (event, inner) in [
        ("NoteCreate", serde_json::json!({ "id": "n1", "body": "Called <b>back</b>" })),
        ("TaskComplete", serde_json::json!({ "id": "t1", "title": "Call", "dueDate": "2026-03-01T09:00:00.000Z" })),
        ("AppointmentUpdate", serde_json::json!({ "appointment": { "id": "a1", "contactId": contact } })),
        ("ContactDelete", serde_json::json!({ "id": "gone" })),
        ("UNINSTALL", serde_json::json!({ "appId": "app" })),
    ] {
        let mut body = inner;
        let more = [("type", event), ("locationId", location), ("contactId", &contact), ("webhookId", event)];
        body.as_object_mut().unwrap().extend(more.map(|(key, value)| (key.to_owned(), value.into())));
        all.push((Side::Highlevel, serde_json::to_vec(&body).unwrap()));
    }
    let state = format!(
        "id=77&event=subscription_state_change&payload[site][subdomain]={}&payload[subscription][id]=5\
         &payload[subscription][state]=past_due&payload[subscription][customer][id]={customer}\
         &payload[subscription][customer][email]=ada%40fuzz.example&payload[subscription][updated_at]=2026-03-01+09%3A00%3A00+%2B0100",
        world.sandbox.chargify.credential("subdomain")
    );
    all.push((Side::Chargify, state.into_bytes()));
    all
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn fuzz_whatever_arrives_signed_ends_in_one_outcome(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let genuine = genuine(&world).await;
    world.run("full").await;
    take_our_keys(&world).await;
    let strategy = damage::damaged(genuine.iter().map(|(_, body)| body.clone()).collect());
    let mut runner = TestRunner::default();
    let seconds = super::seconds();
    let (began, mut cases, mut taken) = (Instant::now(), 0, 0);
    loop {
        for _ in 0..ROUND {
            let (which, body) = proptest::strategy::Strategy::new_tree(&strategy, &mut runner).unwrap().current();
            let side = genuine[which].0;
            let (key, headers) = match side {
                Side::Highlevel => ("crm", signed(&body)),
                Side::Chargify => ("billing", tagged(SHARED_KEY, &body)),
            };
            let received = world.engine.receive(side, key, &headers, &body).await;
            let received = received.unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&body)));
            taken += i64::from(matches!(received, Received::Recorded | Received::Repeated | Received::Ignored));
            assert_ne!(received, Received::UnknownConnection);
        }
        cases += ROUND;
        world.drain().await;
        let open = "select coalesce(string_agg(body, '\n'), '') from (select encode(body, 'escape') as body from delivery where state = 'recorded' limit 3) as open";
        let open: String = sqlx::query_scalar(open).fetch_one(&pool).await.unwrap();
        assert_eq!(open, "", "webhooks without an outcome");
        assert_eq!(
            world.count("select coalesce(sum(arrivals), 0)::bigint from delivery").await,
            taken,
            "each is counted"
        );
        if began.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
    }
    assert!(taken > 0 && world.audit_verifies().await);
    assert!(!world.engine.sync(&world.viewer().await, SYNC).await.unwrap().name.is_empty(), "its page still opens");
    super::told("webhooks", cases, began);
}
