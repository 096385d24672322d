//! What the answers of ordinary work say about a connection.

use crate::support::{Setup, World};
use serde_json::json;
use sqlx::PgPool;

async fn set(pool: &PgPool, side: &str, state: &str) {
    let set = "update connection set state = $2, state_detail = 'as before' where side = $1";
    sqlx::query(set).bind(side).bind(state).execute(pool).await.unwrap();
}

async fn state(pool: &PgPool, side: &str) -> String {
    sqlx::query_scalar("select state from connection where side = $1").bind(side).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_connection_is_healthy_again_as_soon_as_live_work_can_write(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@live.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    set(&pool, "chargify", "refused").await;

    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    world.next_webhook().await;

    assert_eq!(state(&pool, "chargify").await, "healthy");
    let words: Vec<_> = world.audit_lines().await.into_iter().map(|line| line.words).collect();
    assert!(words.iter().any(|words| words == "Chargify accepts the connection billing"), "{words:?}");
    assert!(world.audit_verifies().await);
}
