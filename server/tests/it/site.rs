//! A whole server on a free port, and what tests say to it.

use engine::{Engine, NewPerson};
use reqwest::{Client, Response, header};
use server::{App, Plan};
use sqlx::PgPool;
use std::path::PathBuf;
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SHARED_KEY: &str = "shared-key-0123456789";
pub(crate) const LOCATION: &str = "ve9EPM428h8vShlRW1KT";

/// A running server without a worker: what it records stays as it was recorded.
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) client: Client,
}

impl Site {
    /// Serves that database.
    pub(crate) async fn on(pool: &PgPool) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let engine = crate::logins::engine(pool);
        let plan = Plan { listener, public_url, engine, site_root: PathBuf::from("nowhere"), works: false };
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { app: server::build(plan).unwrap(), client }
    }

    /// As [`Self::on`], with two connections and a sync between them.
    pub(crate) async fn connected(pool: &PgPool, webhook_public_key: &str) -> Self {
        let site = Self::on(pool).await;
        let file = format!(
            "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"{LOCATION}\"\ntoken_env = \"A\"\n\
             webhook_public_key = \"\"\"{webhook_public_key}\"\"\"\n\
             [[connection]]\nname = \"billing\"\nkind = \"chargify\"\nsubdomain = \"acme\"\napi_key_env = \"A\"\n\
             shared_key_env = \"SHARED\"\n\
             [[sync]]\nname = \"contacts\"\nhighlevel = \"crm\"\nchargify = \"billing\"\n"
        );
        let viewer = site.engine().command_line(None).await.unwrap();
        let credential = |name: &str| Ok(if name == "SHARED" { SHARED_KEY } else { "key-0123456789" }.into());
        site.engine().apply(&viewer, &file, &credential).await.unwrap();
        site
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app.public_url)
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Response {
        let request = self.client.get(self.url(path));
        let request = cookie.into_iter().fold(request, |request, cookie| request.header(header::COOKIE, cookie));
        request.send().await.unwrap()
    }

    /// Adds a person of that role, signs them in over the page's own form, and returns the cookie.
    pub(crate) async fn signed_in(&self, role: domain::Role) -> String {
        let email = format!("{}@acme.example", role.as_str());
        let manager = self.engine().command_line(None).await.unwrap().manager().unwrap();
        let new = NewPerson { email: email.clone(), name: String::new(), role, password: PASSWORD.into() };
        self.engine().add_person(&manager, new).await.unwrap();
        let form = format!("email={}&password={}", email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let response = self
            .client
            .post(self.url("/api/sign-in"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap();
        let cookie = response.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}
