//! The command line, as scripts use it: the program itself, on a database of its own, with both services simulated.

use crate::program::Server;
use sandbox::{Options, Sandbox};
use serde_json::Value;
use sqlx::{ConnectOptions as _, PgPool};
use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const NEXT_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

/// The program with its surroundings.
struct Concord {
    environment: BTreeMap<&'static str, String>,
    folder: PathBuf,
    sandbox: Sandbox,
}

impl Drop for Concord {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Concord {
    async fn on(pool: &PgPool) -> Self {
        let folder = std::env::temp_dir().join(format!("concord-cli-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let sandbox = sandbox::start(Options { contacts: 40, ..Options::default() }).await.unwrap();
        let (highlevel, chargify) = (&sandbox.highlevel, &sandbox.chargify);
        let environment = BTreeMap::from([
            ("CONCORD_DATABASE_URL", pool.connect_options().to_url_lossy().to_string()),
            ("CONCORD_DATA_DIR", folder.join("data").to_string_lossy().into_owned()),
            ("CONCORD_SECRET_KEY", KEY.to_owned()),
            ("CONCORD_LISTEN", "127.0.0.1:0".to_owned()),
            ("CONCORD_ALLOW_BASE_URLS", format!("{},{}", highlevel.base_url, chargify.base_url)),
            ("GHL_TOKEN", highlevel.credential("token").to_owned()),
            ("CHARGIFY_API_KEY", chargify.credential("api_key").to_owned()),
            ("CHARGIFY_SHARED_KEY", chargify.credential("shared_key").to_owned()),
        ]);
        Self { environment, folder, sandbox }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
        command.args(arguments).env_clear().envs(&self.environment).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit code, standard output, standard error.
    async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command(arguments);
        told(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
    }

    async fn run_with(&self, arguments: &[&str], input: &'static str) -> (i32, String, String) {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        });
        told(output.await.unwrap())
    }

    fn file(&self, text: &str) -> String {
        let path = self.folder.join("concord.toml");
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn configuration(&self) -> String {
        let (highlevel, chargify) = (&self.sandbox.highlevel, &self.sandbox.chargify);
        format!(
            "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"{}\"\ntoken_env = \"GHL_TOKEN\"\n\
             base_url = \"{}\"\nwebhook_public_key = \"\"\"{}\"\"\"\n\n\
             [[connection]]\nname = \"billing\"\nkind = \"chargify\"\nsubdomain = \"{}\"\n\
             api_key_env = \"CHARGIFY_API_KEY\"\nshared_key_env = \"CHARGIFY_SHARED_KEY\"\nbase_url = \"{}\"\n\n\
             [[sync]]\nname = \"contacts\"\nhighlevel = \"crm\"\nchargify = \"billing\"\nslots = 4\n",
            highlevel.credential("location_id"),
            highlevel.base_url,
            highlevel.credential("webhook_public_key"),
            chargify.credential("subdomain"),
            chargify.base_url,
        )
    }

    async fn applied(&self) {
        let (code, _, error) = self.run(&["apply", &self.file(&self.configuration())]).await;
        assert_eq!(code, 0, "{error}");
    }
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_file_is_applied_once_and_a_wrong_one_not_at_all(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    let file = concord.file(&concord.configuration());
    let (code, out, _) = concord.run(&["apply", &file]).await;
    assert_eq!(
        (code, out.as_str()),
        (0, "connection crm: added\nconnection billing: added\nsync contacts: created, switched off\n")
    );
    let (code, out, _) = concord.run(&["apply", &file]).await;
    assert_eq!((code, out.as_str()), (0, "nothing changed\n"));
    let wrong = concord.file(&format!("{}enabled = \"maybe\"\n", concord.configuration()));
    let (code, out, error) = concord.run(&["apply", &wrong]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("nothing was changed") && error.contains("line 25"), "{error}");
    let own = concord.configuration().replace("\"GHL_TOKEN\"", "\"CONCORD_SECRET_KEY\"");
    let (code, _, error) = concord.run(&["apply", &concord.file(&own)]).await;
    assert!(code == 1 && error.contains("a setting of Concord itself"), "{error}");
    let (code, out, _) = concord.run(&["export"]).await;
    assert!(code == 0 && out.contains("token_env = \"CRM_TOKEN\""), "{out}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_run_without_a_server_is_worked_by_the_command_itself(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    concord.applied().await;
    let (code, out, error) = concord.run(&["run", "contacts", "--mode", "dry-run", "--wait", "--json"]).await;
    assert_eq!(code, 0, "{error}");
    let dry = object(&out);
    let keys: Vec<&str> = dry.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["api_calls", "counts", "duration_ms", "mode", "predicted_api_calls", "run_id", "status"]);
    assert_eq!((dry["mode"].as_str(), dry["status"].as_str()), (Some("dry-run"), Some("complete")));
    let writes = concord.sandbox.chargify.stats().by_endpoint;
    assert!(!writes.keys().any(|endpoint| endpoint.starts_with("POST /customers")), "a dry run writes nothing");

    let (code, out, error) = concord.run(&["run", "contacts", "--mode", "full", "--approve", "--json"]).await;
    assert_eq!(code, 0, "{error}{out}");
    let full = object(&out);
    let counts = full["counts"].as_object().unwrap();
    let settled: u64 = counts.iter().filter(|(key, _)| *key != "read").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!(counts["read"].as_u64(), Some(settled), "{out}");
    assert!(full["api_calls"]["chargify"].as_u64().unwrap() > 2, "{out}");

    let (code, out, _) = concord.run(&["run", "contacts", "--mode", "changes", "--json"]).await;
    assert_eq!((code, object(&out)["status"].as_str()), (0, Some("complete")), "{out}");
    let (code, _, error) = concord.run(&["run", "nothing", "--mode", "full"]).await;
    assert!(code == 1 && error.contains("no such sync"), "{error}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_server_works_the_queue_and_ends_soon_when_told_to(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    concord.applied().await;
    let server = Server::start(concord.command(&["serve"]));
    let url = server.first_line.trim().strip_prefix("Concord is at ").unwrap().to_owned();
    let ready = reqwest::get(format!("{url}/health/ready")).await.unwrap();
    assert_eq!(ready.status(), 200);
    let (code, out, error) = concord.run(&["run", "contacts", "--mode", "full", "--approve", "--wait", "--json"]).await;
    assert_eq!(code, 0, "{error}{out}");
    let (code, out, _) = concord.run(&["status", "--json"]).await;
    let status = object(&out);
    assert_eq!(code, 0);
    assert_eq!(status["syncs"][0]["last_run"]["status"], "complete", "{out}");
    assert_eq!(status["connections"].as_array().unwrap().len(), 2);
    assert!(status["queue"]["ready"].is_u64() && status["lag_s"].is_u64(), "{out}");
    assert!(server.end("-TERM") < Duration::from_secs(5));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_changed_audit_line_is_found(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    concord.applied().await;
    let (code, out, _) = concord.run(&["audit", "verify"]).await;
    assert!(code == 0 && out.starts_with("all "), "{out}");
    let (code, out, _) = concord.run(&["audit", "export"]).await;
    assert!(code == 0 && out.lines().all(|line| object(line)["line_no"].is_u64()), "{out}");
    sqlx::raw_sql(
        "alter table audit_line disable trigger all; update audit_line set actor_name = 'nobody' where line_no = 2",
    )
    .execute(&pool)
    .await
    .unwrap();
    let (code, out, _) = concord.run(&["audit", "verify"]).await;
    assert!(code == 1 && out.starts_with("line 2 was changed after it was written"), "{out}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_person_is_added_with_a_password_from_standard_input(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    let add = ["user", "add", "--email", "Ada@Acme.example", "--role", "owner", "--password-stdin"];
    let (code, _, error) = concord.run_with(&add, "short\n").await;
    assert!(code == 1 && error.contains("password"), "{error}");
    let (code, out, error) = concord.run_with(&add, "correct horse battery\n").await;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("can sign in as owner"), "{out}");
    let (code, _, error) = concord.run_with(&add, "correct horse battery\n").await;
    assert!(code == 1 && error.contains("already"), "{error}");
    let engine = crate::logins::engine(&pool);
    engine.sign_in("ada@acme.example", "correct horse battery".into(), "test").await.unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_rotated_key_opens_everything_and_the_old_one_nothing(pool: PgPool) {
    let mut concord = Concord::on(&pool).await;
    concord.applied().await;
    let (code, _, error) = concord.run(&["keys", "rotate"]).await;
    assert!(code == 1 && error.contains("CONCORD_SECRET_KEY_NEXT: is not set"), "{error}");
    concord.environment.insert("CONCORD_SECRET_KEY_NEXT", NEXT_KEY.to_owned());
    let (code, out, error) = concord.run(&["keys", "rotate"]).await;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("2 connections"), "{out}");
    let (code, _, error) = concord.run(&["status"]).await;
    assert!(code == 1 && error.contains("fingerprint"), "{error}");
    concord.environment.insert("CONCORD_SECRET_KEY", NEXT_KEY.to_owned());
    let (code, out, error) = concord.run(&["run", "contacts", "--mode", "dry-run", "--json"]).await;
    assert_eq!(code, 0, "the credentials still open: {error}{out}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_doctor_finds_what_is_wrong(pool: PgPool) {
    let mut concord = Concord::on(&pool).await;
    concord.applied().await;
    let package = concord.folder.join("site/pkg");
    std::fs::create_dir_all(&package).unwrap();
    for file in ["concord.js", "concord.wasm", "concord.css"] {
        std::fs::write(package.join(file), "").unwrap();
    }
    concord.environment.insert("CONCORD_SITE_ROOT", concord.folder.join("site").to_string_lossy().into_owned());
    let (code, out, error) = concord.run(&["doctor"]).await;
    assert_eq!(code, 0, "{out}{error}");
    concord.sandbox.chargify.revoke_key();
    let (code, out, _) = concord.run(&["doctor"]).await;
    assert!(code == 1 && out.contains("bad   billing") && out.contains("ok    crm"), "{out}");
    concord.environment.insert("CONCORD_LISTEN", "nowhere".to_owned());
    let (code, out, _) = concord.run(&["doctor"]).await;
    assert!(code == 1 && out.contains("CONCORD_LISTEN: `nowhere` is not an address"), "{out}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_sandbox_says_how_to_connect(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    let free = ["sandbox", "--highlevel", "127.0.0.1:0", "--chargify", "127.0.0.1:0", "--contacts", "3"];
    let server = Server::start(concord.command(&free));
    let ready = object(&server.first_line);
    for key in ["base_url", "location_id", "token", "webhook_public_key"] {
        assert!(ready["highlevel"][key].is_string(), "{key}");
    }
    for key in ["base_url", "subdomain", "api_key", "shared_key"] {
        assert!(ready["chargify"][key].is_string(), "{key}");
    }
    server.end("-INT");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_schema_is_brought_up_to_date(pool: PgPool) {
    let concord = Concord::on(&pool).await;
    let (code, out, _) = concord.run(&["migrate"]).await;
    assert_eq!((code, out.as_str()), (0, "the database is up to date\n"));
    sqlx::raw_sql("drop schema public cascade; create schema public").execute(&pool).await.unwrap();
    let (code, out, error) = concord.run(&["migrate"]).await;
    assert!(code == 0 && out.contains("steps"), "{out}{error}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn webhooks_are_shown_tested_registered_and_fetched_by_commands(pool: PgPool) {
    let mut concord = Concord::on(&pool).await;
    concord.applied().await;
    let (code, out, _) = concord.run(&["webhooks", "show", "billing"]).await;
    assert!(code == 0 && out.contains("endpoint: not looked at yet\nlast webhook: none yet"), "{out}");

    // Nobody serves: nothing is registered, and the reason is told.
    concord.environment.insert("CONCORD_PUBLIC_URL", "http://127.0.0.1:9".to_owned());
    let (code, out, _) = concord.run(&["webhooks", "test", "billing"]).await;
    assert!(code == 1 && out.contains("127.0.0.1:9 does not take connections"), "{out}");
    let (code, _, error) = concord.run(&["webhooks", "register", "billing"]).await;
    assert!(code == 1 && error.contains("Nothing was changed at Chargify"), "{error}");
    let (code, _, error) = concord.run(&["webhooks", "register", "nothing"]).await;
    assert!(code == 1 && error.contains("no such connection"), "{error}");

    concord.environment.remove("CONCORD_PUBLIC_URL");
    let server = Server::start(concord.command(&["serve"]));
    let url = server.first_line.trim().strip_prefix("Concord is at ").unwrap().to_owned();
    concord.environment.insert("CONCORD_PUBLIC_URL", url);
    let (code, out, error) = concord.run(&["webhooks", "register", "billing"]).await;
    assert!(code == 0 && out.contains("was made, for 15 events."), "{out}{error}");
    let (code, out, _) = concord.run(&["webhooks", "fetch", "billing", "--count"]).await;
    assert_eq!((code, out.as_str()), (0, "0 webhooks did not reach Concord\n"));
    let (code, out, _) = concord.run(&["webhooks", "fetch", "billing"]).await;
    assert_eq!((code, out.as_str()), (0, "Nothing was missed.\n"));
    let (code, out, _) = concord.run(&["webhooks", "show", "billing"]).await;
    assert!(code == 0 && out.contains("endpoint: registered, and sends") && out.contains("arrived here."), "{out}");
    assert!(server.end("-TERM") < Duration::from_secs(5));
}
