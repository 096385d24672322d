//! The alarm when no webhook comes where some usually do.

use super::{SYNC, world::World};
use domain::view::HearingView;
use sqlx::PgPool;

/// So many webhooks of the connection, in each of the hours before and after that many hours ago.
async fn heard(world: &World, connection: &str, hours_ago: i32, count: i32) {
    let insert = "insert into delivery (workspace_id, delivery_id, connection_id, side, webhook_id, event, body, state, received_at)
         select workspace_id, gen_random_uuid(), connection_id, side, gen_random_uuid()::text, 'some', '', 'ignored',
             now() - make_interval(hours => $2) + make_interval(mins => n)
         from connection, generate_series(1, $3) as n
         where name = $1";
    sqlx::query(insert).bind(connection).bind(hours_ago).bind(count).execute(&world.pool).await.unwrap();
}

const WEEK: i32 = 7 * 24;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_connection_that_falls_silent_is_told_once_and_so_is_its_return(pool: PgPool) {
    let world = World::open(&pool, SYNC).await;
    world.look().await;
    assert_eq!(world.view("crm").await.hearing, HearingView::Never);
    for weeks in 1..=3 {
        heard(&world, "crm", weeks * WEEK + 3, 30).await;
    }
    heard(&world, "crm", 6, 30).await;
    let look = async || {
        sqlx::query("update watch set due_at = null").execute(&pool).await.unwrap();
        world.look().await
    };
    look().await;
    assert_eq!(world.view("crm").await.hearing, HearingView::Silent(30));
    let silent = "No webhook comes for crm, where at least 30 usually come in these hours";
    assert_eq!(world.told().await.iter().filter(|line| *line == silent).count(), 1);
    look().await;
    assert_eq!(world.told().await.iter().filter(|line| *line == silent).count(), 1, "an alarm is no drum");
    let needs = world.engine.overview(&world.viewer().await).await.unwrap().needs;
    assert!(needs.iter().any(|need| need.title == "No webhook comes for crm"), "{needs:?}");

    heard(&world, "crm", 0, 1).await;
    look().await;
    assert_eq!(world.view("crm").await.hearing, HearingView::Usual);
    assert_eq!(world.told().await[0], "Webhooks come again for crm");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_quiet_hour_of_the_week_is_no_alarm(pool: PgPool) {
    let world = World::open(&pool, SYNC).await;
    for weeks in 1..=3 {
        heard(&world, "crm", weeks * WEEK + 3, if weeks == 2 { 2 } else { 30 }).await;
    }
    heard(&world, "crm", 6, 1).await;
    assert_eq!(world.view("crm").await.hearing, HearingView::Usual);
    assert_eq!(world.view("billing").await.hearing, HearingView::Never);
}
