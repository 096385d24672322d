//! Live events and downloads: for whoever may see them, and for nobody else.

use crate::site::Site;
use domain::{Role, view::RunLiveView};
use engine::{Approval, StartRun};
use reqwest::{Response, StatusCode};
use sqlx::PgPool;

const KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";

async fn site(pool: &PgPool) -> Site {
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{KEY}\n-----END PUBLIC KEY-----\n");
    Site::connected(pool, &pem).await
}

async fn start(site: &Site) -> u64 {
    let runner = site.engine().command_line(None).await.unwrap().runner().unwrap();
    let start =
        StartRun { sync: "contacts".to_owned(), mode: "full".to_owned(), chosen: None, approval: Approval::WhenFused };
    site.engine().start_run(&runner, start).await.unwrap()
}

/// The next event of a stream; `None` at its end.
async fn event(response: &mut Response) -> Option<RunLiveView> {
    let mut text = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        if text.ends_with("\n\n")
            && let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: "))
        {
            return Some(serde_json::from_str(data).unwrap());
        }
    }
    None
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_run_is_watched_until_it_ends_and_not_beyond(pool: PgPool) {
    let site = site(&pool).await;
    let number = start(&site).await;
    let cookie = site.signed_in(Role::Viewer).await;
    let path = format!("/events/runs/{number}");
    let mut stream = site.get(&path, Some(&cookie)).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = event(&mut stream).await.unwrap();
    assert_eq!((first.run.number, first.run.status.as_str()), (number, "queued"));

    sqlx::query("update run set status = 'failed', finished_at = now()").execute(&pool).await.unwrap();
    let last = event(&mut stream).await.unwrap();
    assert_eq!(last.run.status, "failed");
    assert!(event(&mut stream).await.is_none(), "the stream ends with the run");

    let again = site.client.get(site.url(&path)).header("cookie", &cookie).header("last-event-id", "2");
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_server_that_ends_does_not_wait_for_its_watchers(pool: PgPool) {
    let site = site(&pool).await;
    let number = start(&site).await;
    let cookie = site.signed_in(Role::Viewer).await;
    let mut stream = site.get(&format!("/events/runs/{number}"), Some(&cookie)).await;
    event(&mut stream).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), site.app.stop()).await.unwrap();
    assert!(event(&mut stream).await.is_none());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn strangers_see_neither_runs_nor_the_trail(pool: PgPool) {
    let site = site(&pool).await;
    let number = start(&site).await;
    let viewer = site.signed_in(Role::Viewer).await;
    for path in [format!("/events/runs/{number}"), "/audit/export.csv".to_owned(), "/audit/export.jsonl".to_owned()] {
        assert_eq!(site.get(&path, None).await.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(site.get(&path, Some("concord=AAAA")).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(site.get("/audit/export.csv", Some(&viewer)).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(site.get("/events/runs/99", Some(&viewer)).await.status(), StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_whole_trail_leaves_in_both_forms(pool: PgPool) {
    let site = site(&pool).await;
    // More than one page of the export.
    for _ in 0..600 {
        let viewer = site.engine().command_line(None).await.unwrap();
        let file = "[[connection]]\nname=\"x\"\nkind=\"chargify\"\nsubdomain=\"other\"\napi_key_env=\"A\"\n";
        let turn = uuid::Uuid::new_v4().to_string();
        site.engine().apply(&viewer, file, &|_| Ok(turn.clone().into())).await.unwrap();
    }
    let cookie = site.signed_in(Role::Auditor).await;
    let response = site.get("/audit/export.jsonl", Some(&cookie)).await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    let numbers: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["line_no"].as_u64().unwrap())
        .collect();
    assert!(numbers.len() > 1_000, "{}", numbers.len());
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "every line once, in order");

    let csv = site.get("/audit/export.csv?action=connection.added", Some(&cookie)).await.text().await.unwrap();
    let rows: Vec<&str> = csv.trim_end().split("\r\n").collect();
    assert!(rows[0].starts_with("line_no,at,actor"), "{csv}");
    assert_eq!(rows.len(), 4, "a head and three connections");
}
