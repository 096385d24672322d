//! The audit trail: one unbroken chain, found out when touched, searchable.

use crate::setting::{PASSWORD, engine, person};
use domain::{Role, view::AuditFilter};
use engine::{AuditVerdict, Engine, EngineError, Fault};
use sqlx::PgPool;
use time::Duration;

const EVERYTHING: fn() -> AuditFilter = AuditFilter::default;

/// Appends `count` lines: every first page of an export leaves one, even of an export that finds nothing.
async fn append(engine: &Engine, count: usize) {
    let auditor = engine.command_line(None).await.unwrap().auditor().unwrap();
    let nothing = AuditFilter { record: "nobody".to_owned(), ..EVERYTHING() };
    for _ in 0..count {
        engine.audit_export(&auditor, nothing.clone(), 0).await.unwrap();
    }
}

async fn verify(engine: &Engine) -> AuditVerdict {
    let workspace_id = engine.command_line(None).await.unwrap().workspace_id();
    engine.verify_audit(workspace_id).await.unwrap()
}

/// What somebody with full rights to the database could do.
async fn tamper(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql("alter table audit_line disable trigger audit_line_append_only").execute(pool).await.unwrap();
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

fn finding(verdict: &AuditVerdict) -> Option<(u64, Fault)> {
    verdict.first_bad.as_ref().map(|bad| (bad.line_no, bad.fault))
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn concurrent_lines_make_one_unbroken_chain(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let auditor = engine.command_line(None).await.unwrap().auditor().unwrap();
    let appends = (0..20).map(|_| {
        let (engine, auditor) = (engine.clone(), auditor.clone());
        tokio::spawn(async move { engine.audit_export(&auditor, EVERYTHING(), 0).await.map(drop) })
    });
    for append in futures::future::join_all(appends).await {
        append.unwrap().unwrap();
    }
    let verdict = verify(&engine).await;
    assert_eq!((verdict.lines, verdict.first_bad), (21, None));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_trail_longer_than_a_page_is_read_to_its_end(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 1_200).await;
    let sound = verify(&engine).await;
    assert_eq!((sound.lines, finding(&sound)), (1_201, None));
    tamper(&pool, "update audit_line set actor_name = 'Eve' where line_no = 1101").await;
    assert_eq!(finding(&verify(&engine).await), Some((1_101, Fault::Changed)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn lines_cannot_be_changed_or_removed(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 1).await;
    for sql in ["update audit_line set actor = 'eve'", "delete from audit_line", "truncate audit_line"] {
        let error = sqlx::raw_sql(sql).execute(&pool).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_changed_column_is_found(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 3).await;
    sqlx::raw_sql("alter table audit_line disable trigger audit_line_append_only").execute(&pool).await.unwrap();
    let changes = [
        "at = at + interval '1 microsecond'",
        "actor = 'person:eve'",
        "actor_name = actor_name || ' '",
        "action = 'person.signed_in'",
        "subject = 'connection:1'",
        "subject_name = 'other'",
        "outcome = 'failed'",
        "detail = detail || '{\"x\": 1}'",
        "run_id = gen_random_uuid()",
        "contact_id = ''",
        "customer_id = ''",
        "previous_hash = decode(repeat('00', 32), 'hex')",
        "hash = decode(repeat('00', 32), 'hex')",
    ];
    sqlx::raw_sql("create table kept as select * from audit_line where line_no = 3").execute(&pool).await.unwrap();
    for change in changes {
        let sql = format!("update audit_line set {change} where line_no = 3");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        assert_eq!(finding(&verify(&engine).await), Some((3, Fault::Changed)), "{change}");
        sqlx::raw_sql("delete from audit_line where line_no = 3; insert into audit_line select * from kept")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(finding(&verify(&engine).await), None);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_missing_line_is_found(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 4).await;
    tamper(&pool, "delete from audit_line where line_no = 3").await;
    let verdict = verify(&engine).await;
    assert_eq!((verdict.lines, finding(&verdict)), (2, Some((3, Fault::Missing))));
    assert_eq!(verdict.first_bad.unwrap().to_string(), "line 3 is missing");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_line_closed_up_behind_a_removed_one_is_found(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 4).await;
    tamper(
        &pool,
        "delete from audit_line where line_no = 3; update audit_line set line_no = line_no - 1 where line_no > 3",
    )
    .await;
    assert_eq!(finding(&verify(&engine).await), Some((3, Fault::Changed)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_removed_end_is_found(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 4).await;
    tamper(&pool, "delete from audit_line where line_no > 3").await;
    assert_eq!(finding(&verify(&engine).await), Some((3, Fault::Truncated)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_line_behind_the_recorded_end_is_found(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 2).await;
    tamper(
        &pool,
        "insert into audit_line
         select workspace_id, 4, at, actor, actor_name, action, subject, subject_name, outcome, detail, run_id,
            contact_id, customer_id, hash, hash
         from audit_line where line_no = 3",
    )
    .await;
    assert_eq!(finding(&verify(&engine).await), Some((4, Fault::Surplus)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_empty_trail_is_sound(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let stranger = domain::WorkspaceId(uuid::Uuid::from_u128(1));
    let verdict = engine.verify_audit(stranger).await.unwrap();
    assert_eq!((verdict.lines, verdict.first_bad), (0, None));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_filter_narrows_the_page(pool: PgPool) {
    let (engine, clock) = engine(&pool);
    let id = person(&engine, "ops@example.com", Role::Owner).await;
    clock.pass(Duration::DAY);
    engine.sign_in("ops@example.com", PASSWORD.into(), "192.0.2.1").await.unwrap();
    engine.sign_in("ops@example.com", "wrong".into(), "192.0.2.1").await.unwrap_err();
    clock.pass(Duration::DAY);
    append(&engine, 2).await;
    let viewer = engine.command_line(None).await.unwrap();
    let check = async |filter: AuditFilter, lines: &[u64]| {
        let page = engine.audit_page(&viewer, filter.clone()).await.unwrap();
        let found: Vec<_> = page.lines.iter().map(|line| line.line_no).collect();
        assert_eq!(found, lines, "{filter:?}");
        assert_eq!(page.total, u64::try_from(lines.len()).unwrap(), "{filter:?}");
    };
    let text = str::to_owned;
    check(EVERYTHING(), &[6, 5, 4, 3, 2, 1]).await;
    check(AuditFilter { actor: format!("person:{id}"), ..EVERYTHING() }, &[3]).await;
    check(AuditFilter { action: text("audit.exported"), ..EVERYTHING() }, &[6, 5]).await;
    check(AuditFilter { outcome: text("refused"), ..EVERYTHING() }, &[4]).await;
    check(AuditFilter { from: text("2026-03-02"), ..EVERYTHING() }, &[6, 5, 4, 3]).await;
    check(AuditFilter { until: text("2026-03-02"), ..EVERYTHING() }, &[4, 3, 2, 1]).await;
    check(AuditFilter { from: text("2026-03-02"), until: text(" 2026-03-02 "), ..EVERYTHING() }, &[4, 3]).await;
    check(AuditFilter { from: text("2026-03-02"), outcome: text("done"), ..EVERYTHING() }, &[6, 5, 3]).await;
    check(AuditFilter { record: text("c-1"), ..EVERYTHING() }, &[]).await;

    sqlx::raw_sql(
        "insert into audit_line
         select workspace_id, 7, at, actor, actor_name, action, subject, subject_name, outcome, detail, run_id,
            'c-1', '42', hash, hash
         from audit_line where line_no = 6",
    )
    .execute(&pool)
    .await
    .unwrap();
    check(AuditFilter { record: text("c-1"), ..EVERYTHING() }, &[7]).await;
    check(AuditFilter { record: text("42"), ..EVERYTHING() }, &[7]).await;

    let wrong = AuditFilter { from: text("01.03.2026"), ..EVERYTHING() };
    assert!(matches!(engine.audit_page(&viewer, wrong).await, Err(EngineError::Invalid(_))));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn pages_join_without_gap_or_overlap(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 119).await;
    let viewer = engine.command_line(None).await.unwrap();
    for from in ["", "2026-03-01"] {
        let mut seen = Vec::new();
        let mut before = Some(0);
        while let Some(number) = before {
            let filter = AuditFilter { before: number, from: from.to_owned(), ..EVERYTHING() };
            let page = engine.audit_page(&viewer, filter).await.unwrap();
            seen.extend(page.lines.iter().map(|line| line.line_no));
            before = page.next;
        }
        assert_eq!(seen, (1..=120).rev().collect::<Vec<u64>>(), "from {from:?}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_export_holds_every_line_in_order_and_leaves_one(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 600).await;
    let auditor = engine.command_line(None).await.unwrap().auditor().unwrap();
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        let after = numbers.last().copied().unwrap_or_default();
        let page = engine.audit_export(&auditor, EVERYTHING(), after).await.unwrap();
        if page.is_empty() {
            break;
        }
        numbers.extend(page.iter().map(|line| line.line_no));
    }
    assert_eq!(numbers, (1..=602).collect::<Vec<u64>>());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn one_line_shows_its_place_in_the_chain(pool: PgPool) {
    let (engine, _) = engine(&pool);
    append(&engine, 2).await;
    let viewer = engine.command_line(None).await.unwrap();
    let (first, second) = (engine.audit_line(&viewer, 1).await.unwrap(), engine.audit_line(&viewer, 2).await.unwrap());
    assert_eq!(second.previous_hash, first.hash);
    assert_eq!(first.previous_hash, "0".repeat(64));
    assert_eq!(verify(&engine).await.hash, engine.audit_line(&viewer, 3).await.unwrap().hash);
    assert!(matches!(engine.audit_line(&viewer, 99).await, Err(EngineError::NotFound("audit line"))));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_sees_the_trail_but_may_not_export_it(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let id = person(&engine, "eye@example.com", Role::Viewer).await;
    let viewer = engine.viewer(id, None).await.unwrap();
    assert_eq!(engine.audit_page(&viewer, EVERYTHING()).await.unwrap().lines.len(), 2);
    assert!(matches!(viewer.auditor(), Err(EngineError::NotAllowed(_))));
}
