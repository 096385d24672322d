//! The demo, on a private Postgres of its own: from nothing to a set-up page, and webhooks that find their way.

use crate::program::Server;
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A data folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("concord-demo-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        // The private Postgres may run under an account of its own, which has to get through.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711)).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn concord(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
    command.env_remove("CONCORD_SECRET_KEY").env_remove("CONCORD_DATABASE_URL").env("CONCORD_DATA_DIR", data_dir);
    command
}

fn text(ready: &Value, pointer: &str) -> String {
    ready.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

/// Connects to both services from the command line, beside the running demo.
fn connect(data_dir: &Path, ready: &Value) {
    let file = data_dir.join("concord.toml");
    let configuration = format!(
        "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"{}\"\ntoken_env = \"TOKEN\"\n\
         base_url = \"{}\"\nwebhook_public_key = \"\"\"{}\"\"\"\n\
         [[connection]]\nname = \"billing\"\nkind = \"chargify\"\nsubdomain = \"{}\"\napi_key_env = \"KEY\"\n\
         shared_key_env = \"SHARED\"\nbase_url = \"{}\"\n",
        text(ready, "/highlevel/location_id"),
        text(ready, "/highlevel/base_url"),
        text(ready, "/highlevel/webhook_public_key"),
        text(ready, "/chargify/subdomain"),
        text(ready, "/chargify/base_url"),
    );
    std::fs::write(&file, configuration).unwrap();
    let mut apply = concord(&data_dir.join("demo"));
    let allowed = format!("{},{}", text(ready, "/highlevel/base_url"), text(ready, "/chargify/base_url"));
    apply.env("CONCORD_ALLOW_BASE_URLS", allowed);
    for (name, pointer) in
        [("TOKEN", "/highlevel/token"), ("KEY", "/chargify/api_key"), ("SHARED", "/chargify/shared_key")]
    {
        apply.env(name, text(ready, pointer));
    }
    let output = apply.arg("apply").arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn acknowledged(ready: &Value) -> u64 {
    let url = format!("{}/_sandbox/stats", text(ready, "/highlevel/base_url"));
    let stats: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    stats.get("webhooks_acked").and_then(Value::as_u64).unwrap()
}

/// Adds a contact as a user of GoHighLevel would.
async fn add_contact(ready: &Value, number: u32) {
    let answer = reqwest::Client::new()
        .post(format!("{}/contacts/", text(ready, "/highlevel/base_url")))
        .bearer_auth(text(ready, "/highlevel/token"))
        .header("version", "2021-07-28")
        .json(&json!({
            "locationId": text(ready, "/highlevel/location_id"),
            "firstName": "New",
            "email": format!("new{number}@people.example"),
        }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn a_demo_serves_a_set_up_page_and_services_whose_webhooks_arrive() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = Folder::new();
    let mut command = concord(&folder.0);
    command.args(["demo", "--listen", "127.0.0.1:0", "--contacts", "20", "--latency", "0ms", "--json"]);
    let server = Server::start(command);
    let ready: Value = serde_json::from_str(&server.first_line).unwrap();
    assert!(text(&ready, "/setup_url").starts_with(&text(&ready, "/url")));
    for pointer in ["/setup_url", "/highlevel/base_url", "/chargify/base_url"] {
        assert_eq!(reqwest::get(text(&ready, pointer)).await.unwrap().status(), 200, "{pointer}");
    }

    connect(&folder.0, &ready);
    // The demo tells the service where webhooks go a moment after the connection was made.
    let begun = Instant::now();
    for number in 0.. {
        add_contact(&ready, number).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        if acknowledged(&ready).await > 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no webhook arrived");
    }
    server.end("-INT");
}
