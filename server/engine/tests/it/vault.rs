//! The secret key and the database it sealed.

use crate::setting::{engine, engine_with_key};
use engine::{EngineError, Readiness};
use sqlx::PgPool;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_first_key_is_remembered_and_accepted_again(pool: PgPool) {
    let (engine, _) = engine(&pool);
    engine.check_key().await.unwrap();
    engine.check_key().await.unwrap();
    assert_eq!(engine.readiness().await.unwrap(), Readiness::Ready);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_key_is_refused_with_what_to_do(pool: PgPool) {
    engine(&pool).0.check_key().await.unwrap();
    let (other, _) = engine_with_key(&pool, [8; 32]);
    let Err(EngineError::Invalid(lines)) = other.check_key().await else {
        panic!("the key was accepted");
    };
    assert!(lines[0].contains("secret key"), "{lines:?}");
    assert!(lines[1].contains("CONCORD_SECRET_KEY"), "{lines:?}");
    assert_eq!(other.readiness().await.unwrap(), Readiness::OtherKey);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_database_behind_this_program_is_not_ready(pool: PgPool) {
    sqlx::query("delete from _sqlx_migrations where version = 7").execute(&pool).await.unwrap();
    assert_eq!(engine(&pool).0.readiness().await.unwrap(), Readiness::SchemaBehind);
}
