//! Every door, tried by those it is not for. A server function or page that is added and not named here fails.

use crate::site::Site;
use domain::Role;
use engine::{Approval, StartRun};
use leptos_axum::generate_route_list;
use reqwest::{Response, StatusCode, header};
use sqlx::PgPool;
use std::collections::BTreeSet;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=\n-----END PUBLIC KEY-----\n";

/// What is open to everybody: they are how one stops being a stranger.
const OPEN: [&str; 3] = ["sign-in", "setup-pending", "claim-setup"];

/// What only looks, with arguments that it would answer.
const LOOKS: &[(&str, &str)] = &[
    ("session", ""),
    ("overview", ""),
    ("connections", ""),
    ("connection", "id=crm"),
    ("webhooks", "id=crm"),
    ("syncs", ""),
    ("sync", "name=contacts"),
    ("mapping-versions", "name=contacts"),
    ("field-choices", "name=contacts"),
    ("billing-facts", "name=contacts"),
    ("schedule", "name=contacts"),
    ("preview-schedule", "name=contacts&draft[changes]=off&draft[full]=nightly"),
    ("members", ""),
    ("workspaces", ""),
    ("runs", ""),
    ("run-page", "number=1"),
    ("run-items", "number=1&filter[tab]=create"),
    ("records-page", "filter[state]="),
    ("record-page", "sync=contacts&side=highlevel&id=c1"),
    ("removals-page", ""),
    ("record-engagements", "sync=contacts&contact_id=c1"),
    ("audit-page", "filter[outcome]=done"),
    ("audit-line", "line_no=1"),
];

/// What changes something, with arguments that would, were they sent by somebody with the right.
const CHANGES: &[(&str, &str)] = &[
    ("add-connection", "new[side]=chargify&new[name]=second&new[account]=acme&new[api_key]=key-0123456789"),
    ("test-connection", "id=crm"),
    ("rotate-credential", "id=crm&field=token&secret=another-token-0123456789"),
    ("use-app", "id=crm&app[client_id]=665c6bb13d4e5364bdec0e2f-lx2&app[client_secret]=client-secret-0123456789"),
    ("refuse-workflows", "id=crm"),
    ("register-webhooks", "id=billing"),
    ("test-webhooks", "id=billing"),
    // Calls the service and keeps what it counts.
    ("look-for-missed", "id=billing"),
    ("fetch-missed", "id=billing"),
    ("create-sync", "draft[name]=second&draft[highlevel]=crm&draft[chargify]=billing&draft[slots]=3"),
    ("switch-sync", "name=contacts&on=true"),
    ("change-settings", "name=contacts&draft[slots]=2&draft[reason]=why"),
    (
        "change-schedule",
        "name=contacts&draft[changes]=every+5+minutes&draft[full]=nightly&draft[reason]=as+no+webhooks+come",
    ),
    ("plan-run", "name=contacts&mode=full"),
    ("approve-run", "number=1"),
    ("cancel-run", "number=1"),
    ("edit-mapping", "form[sync]=contacts&form[press]=discard"),
    ("read-fields", "name=contacts"),
    ("tell-fact", "name=contacts&fact=subscription.state"),
    // Calls both services, though it writes to neither.
    ("resync-plan", "sync=contacts&side=highlevel&id=c1"),
    ("resync-record", "sync=contacts&side=highlevel&id=c1&seal=00"),
    ("answer-plan", "sync=contacts&side=highlevel&id=c1&draft[partner]=new"),
    ("answer-record", "sync=contacts&side=highlevel&id=c1&draft[partner]=nobody&seal=00"),
    ("take-part-again", "sync=contacts&side=highlevel&id=c1"),
    ("approve-removals", "draft[shown]=1"),
    ("refuse-removals", "draft[shown]=1"),
    ("retry-engagement", "sync=contacts&side=highlevel&id=c1&kind=note&engagement=n1"),
    ("change-role", "person=00000000-0000-0000-0000-000000000000&role=owner"),
    ("remove-member", "person=00000000-0000-0000-0000-000000000000"),
    ("create-workspace", "name=second"),
    ("add-person", "email=eve%40example.com&password=correct+horse+battery&role=owner"),
];

/// Own doing of whoever is signed in, whatever their role.
const OWN: &[(&str, &str)] = &[("open-workspace", "id=00000000-0000-0000-0000-000000000000"), ("sign-out", "")];

/// Two connections, a sync, a contact it has read, and a run of it that waits for approval.
async fn furnished(pool: &PgPool) -> Site {
    let site = Site::connected(pool, KEY).await;
    let runner = site.engine().command_line(None).await.unwrap().runner().unwrap();
    let run = StartRun { sync: "contacts".into(), mode: "full".into(), chosen: None, approval: Approval::Always };
    assert_eq!(site.engine().start_run(&runner, run).await.unwrap(), 1);
    sqlx::query("update run set status = 'awaiting_approval'").execute(pool).await.unwrap();
    let known = "insert into record (workspace_id, sync_id, side, remote_id, field_values, read_at) \
                 select workspace_id, sync_id, 'highlevel', 'c1', '{}', now() from sync";
    sqlx::query(known).execute(pool).await.unwrap();
    site
}

fn endpoints() -> BTreeSet<String> {
    server_fn::axum::server_fn_paths().map(|(path, _method)| path.trim_start_matches("/api/").to_owned()).collect()
}

async fn post(site: &Site, (endpoint, body): (&str, &str), cookie: Option<&str>) -> Response {
    let request = site
        .client
        .post(site.url(&format!("/api/{endpoint}")))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.to_owned());
    let request = cookie.into_iter().fold(request, |request, cookie| request.header(header::COOKIE, cookie));
    request.send().await.unwrap()
}

/// A fingerprint of everything stored but the logins, which live by being used.
async fn everything(pool: &PgPool) -> Vec<(String, String)> {
    let tables = "select table_name::text from information_schema.tables \
                  where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not in ('login', 'node') \
                  order by table_name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.unwrap();
    let mut prints = Vec::with_capacity(tables.len());
    for table in tables {
        let print = format!("select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from \"{table}\" t");
        let print: String = sqlx::query_scalar(sqlx::AssertSqlSafe(print)).fetch_one(pool).await.unwrap();
        prints.push((table, print));
    }
    prints
}

#[test]
fn every_server_function_is_named_here() {
    let tables = [LOOKS, CHANGES, OWN].concat();
    let named = tables.iter().map(|(endpoint, _)| *endpoint).chain(OPEN);
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    assert_eq!(endpoints(), named);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_server_function_refuses_a_stranger_and_changes_nothing(pool: PgPool) {
    let site = furnished(&pool).await;
    let before = everything(&pool).await;
    for door in [LOOKS, CHANGES, OWN].concat() {
        for cookie in [None, Some("concord=AAAAAAAAAAAAAAAAAAAAAA")] {
            let response = post(&site, door, cookie).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{}", door.0);
            assert_eq!(response.text().await.unwrap(), r#"{"error":"unauthenticated"}"#, "{}", door.0);
        }
    }
    assert_eq!(everything(&pool).await, before);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_change_is_refused_to_a_viewer_and_changes_nothing(pool: PgPool) {
    let site = furnished(&pool).await;
    let cookie = site.signed_in(Role::Viewer).await;
    let before = everything(&pool).await;
    for door in CHANGES {
        let response = post(&site, *door, Some(&cookie)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{}", door.0);
        assert!(response.text().await.unwrap().contains(r#""error":"forbidden""#), "{}", door.0);
    }
    for door in LOOKS {
        assert_eq!(post(&site, *door, Some(&cookie)).await.status(), StatusCode::OK, "{}", door.0);
    }
    assert_eq!(everything(&pool).await, before);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_form_sent_by_another_site_changes_nothing(pool: PgPool) {
    let site = furnished(&pool).await;
    let cookie = site.signed_in(Role::Owner).await;
    let before = everything(&pool).await;
    for (endpoint, body) in [CHANGES, OWN].concat() {
        let request = site.client.post(site.url(&format!("/api/{endpoint}"))).header("sec-fetch-site", "cross-site");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let response = request.header(header::COOKIE, &cookie).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{endpoint}");
    }
    assert_eq!(everything(&pool).await, before);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_page_sends_a_stranger_to_the_sign_in(pool: PgPool) {
    let site = furnished(&pool).await;
    let routes = generate_route_list(app::App);
    assert!(routes.len() > 10);
    for route in routes {
        let path = route
            .path()
            .replace("{name}", "contacts")
            .replace("{id}", "crm")
            .replace("{number}", "1")
            .replace(['{', '}'], "");
        if path == "/sign-in" || path.starts_with("/setup/") {
            continue;
        }
        let request = site.client.get(site.url(&path)).header(header::ACCEPT, "text/html");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND, "{path}");
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        assert!(location.starts_with("/sign-in"), "{path} leads to {location}");
        let html = response.text().await.unwrap();
        for secret in ["crm", "billing", "main"] {
            assert!(!html.contains(&format!(">{secret}<")), "{path} shows {secret}");
        }
    }
}
