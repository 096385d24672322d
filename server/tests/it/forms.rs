//! The way from a new installation to an edited mapping, in a browser without a script and against the sandboxes.

use crate::{
    browser::{Browser, Page},
    site::{PASSWORD, Site},
};
use engine::{Engine, Entropy, HttpTransport, Parts, Settings, SystemClock, Vault};
use reqwest::StatusCode;
use sandbox::{Options, Sandbox};
use sqlx::PgPool;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// The longest that a run of a dozen records may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that reaches the sandboxes, and the sandboxes.
pub(crate) struct House {
    pub(crate) site: Site,
    pub(crate) sandbox: Sandbox,
}

impl House {
    /// Runs stay queued: nothing works on them.
    pub(crate) async fn on(pool: &PgPool) -> Self {
        Self::with(pool, false).await
    }

    /// Runs are worked on.
    pub(crate) async fn working(pool: &PgPool) -> Self {
        Self::with(pool, true).await
    }

    async fn with(pool: &PgPool, works: bool) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        // What is changed behind Concord's back shows at once: nobody waits for an index.
        let (index_lag, event_lag) = (Duration::ZERO, Duration::ZERO);
        let options = Options { contacts: 12, customers: Some(4), index_lag, event_lag, ..Options::default() };
        let sandbox = sandbox::start(options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let allowed = vec![sandbox.highlevel.base_url.clone(), sandbox.chargify.base_url.clone()];
        let engine = Engine::new(Parts {
            pool: pool.clone(),
            store: Arc::new(engine::PostgresStore::new(pool.clone())),
            clock: Arc::new(SystemClock::new()),
            entropy: Entropy::from_seed(2),
            transport: Arc::new(HttpTransport::new().unwrap()),
            vault: Vault::new([9; 32]),
            settings: Settings { public_url: public_url.clone(), allowed_base_urls: allowed },
        });
        let plan = server::Plan { listener, public_url, engine, site_root: PathBuf::from("nowhere"), works };
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { site: Site { app: server::build(plan).unwrap(), client }, sandbox }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.site.app.public_url)
    }

    /// The owner, just set up.
    pub(crate) async fn owner(&self) -> Browser {
        let mut browser = self.browser();
        let page = open_setup(self, &mut browser).await;
        let form = page.form("claim-setup").with("email", "ada@example.com").with("password", PASSWORD);
        browser.send(&page, form, None).await;
        browser
    }

    /// Connects a service over its form and returns the page that follows.
    async fn connect(&self, browser: &mut Browser, side: &str, fields: &[(&str, &str)]) -> Page {
        let page = browser.open(&format!("/connections/new?side={side}")).await;
        let form = page.form("add-connection");
        let form = fields.iter().fold(form, |form, (name, value)| form.with(&format!("new[{name}]"), value));
        browser.send(&page, form, None).await
    }

    pub(crate) async fn connect_both(&self, browser: &mut Browser) -> [Page; 2] {
        let (highlevel, chargify) = (&self.sandbox.highlevel, &self.sandbox.chargify);
        let crm = [
            ("name", "crm"),
            ("account", highlevel.credential("location_id")),
            ("token", highlevel.credential("token")),
            ("base_url", &highlevel.base_url),
            ("webhook_public_key", highlevel.credential("webhook_public_key")),
        ];
        let billing = [
            ("name", "billing"),
            ("account", chargify.credential("subdomain")),
            ("api_key", chargify.credential("api_key")),
            ("shared_key", chargify.credential("shared_key")),
            ("base_url", &chargify.base_url),
        ];
        [self.connect(browser, "highlevel", &crm).await, self.connect(browser, "chargify", &billing).await]
    }

    /// Both services connected and a sync between them; the page of its mapping.
    pub(crate) async fn with_sync(&self, browser: &mut Browser) -> Page {
        self.connect_both(browser).await;
        let page = browser.open("/syncs/new?highlevel=crm&chargify=billing").await;
        let form = page.form("create-sync").with("draft[name]", "contacts");
        browser.send(&page, form, None).await
    }
}

/// Runs, as the tests of their pages and of the pages of their records begin.
impl House {
    /// The page, loaded anew at each change of a run until it says so.
    pub(crate) async fn until(&self, browser: &mut Browser, path: &str, text: &str) -> Page {
        let mut changes = self.site.engine().run_changes();
        let watching = async {
            loop {
                let page = browser.open(path).await;
                if page.says(text) {
                    return page;
                }
                changes.recv().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, watching).await.unwrap_or_else(|_| panic!("{path} never said {text}"))
    }

    /// A run of that mode, stopped with its plan.
    pub(crate) async fn planned(&self, browser: &mut Browser, mode: &str) -> Page {
        let page = browser.open("/syncs/contacts").await;
        let form = page.form("plan-run").with("mode", mode);
        let page = browser.send(&page, form, None).await;
        self.until(browser, &page.path, "Waits for approval").await
    }

    /// A run of that mode from its plan to its end; it has something to write.
    pub(crate) async fn written(&self, browser: &mut Browser, mode: &str) -> Page {
        let page = self.planned(browser, mode).await;
        browser.send(&page, page.form("approve-run"), None).await;
        self.until(browser, &page.path, "Plan again").await
    }

    /// A second person, who may only look.
    pub(crate) async fn vera(&self, owner: &mut Browser) -> Browser {
        let page = owner.open("/team").await;
        let form = page.form("add-person").with("email", "vera@example.com").with("password", PASSWORD);
        owner.send(&page, form.with("role", "viewer"), None).await;
        let mut vera = self.browser();
        let page = vera.open("/sign-in").await;
        let form = page.form("sign-in").with("email", "vera@example.com").with("password", PASSWORD);
        vera.send(&page, form, None).await;
        vera
    }
}

async fn open_setup(house: &House, browser: &mut Browser) -> Page {
    let token = house.site.engine().new_setup_link().await.unwrap().unwrap();
    browser.open(&format!("/setup/{token}")).await
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_new_installation_is_set_up_and_keeps_what_was_typed_when_something_is_wrong(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.browser();
    assert!(browser.open("/sign-in").await.says("Nobody has an account yet."));

    let page = open_setup(&house, &mut browser).await;
    let form = page.form("claim-setup").with("email", "ada@example.com").with("name", "Ada").with("password", "short");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("Use at least 12 characters."), "{}", page.text());
    assert_eq!(page.form("claim-setup").value("name"), Some("Ada"));
    assert!(!page.path.contains("ada") && !page.html.contains("\"short\""), "nothing typed travels in the address");

    let form = page.form("claim-setup").with("password", PASSWORD);
    let page = browser.send(&page, form, None).await;
    assert_eq!((page.path.as_str(), page.status), ("/", StatusCode::OK));
    assert!(page.says("Connect GoHighLevel") && page.says("Ada"), "{}", page.text());
    assert!(house.browser().open("/setup/anything").await.says("This server is set up."));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_stranger_is_led_through_the_sign_in_to_the_page_they_wanted(pool: PgPool) {
    let house = House::on(&pool).await;
    house.owner().await;
    let mut browser = house.browser();
    let page = browser.open("/syncs?tab=1").await;
    assert_eq!(page.path, "/sign-in?next=%2Fsyncs%3Ftab%3D1");

    let form = page.form("sign-in").with("email", "ada@example.com").with("password", "not the password");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("E-mail and password do not belong together."), "{}", page.text());

    let form = page.form("sign-in").with("email", "ada@example.com").with("password", PASSWORD);
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/syncs?tab=1");

    let form = page.form("sign-out");
    assert!(browser.send(&page, form, None).await.path.starts_with("/sign-in"));
    assert!(browser.open("/syncs").await.path.starts_with("/sign-in"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_form_sent_after_the_session_ended_is_told_so_and_leads_back(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let page = browser.open("/team").await;
    sqlx::query("delete from login").execute(&pool).await.unwrap();
    let form = page.form("add-person").with("email", "grace@example.com").with("password", PASSWORD);
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/sign-in?next=%2Fteam&ended=true");
    assert!(page.says("Your session had ended."), "{}", page.text());

    let form = page.form("sign-in").with("email", "ada@example.com").with("password", PASSWORD);
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/team");
    assert!(!page.says("grace@example.com"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn both_services_are_connected_and_tested(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    for page in house.connect_both(&mut browser).await {
        assert!(page.says("The connection is added and works."), "{}", page.text());
        let again = page.form("test-connection");
        let page = browser.send(&page, again, None).await;
        assert!(page.says("The connection works."), "{}", page.text());
    }
    assert!(browser.open("/connections").await.says("Healthy"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_wrong_connection_is_not_added_and_its_credential_is_never_shown_again(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let fields = [("name", "CRM!"), ("account", "ve9EPM428h8vShlRW1KT"), ("token", "pit-never-to-be-seen")];
    let page = house.connect(&mut browser, "highlevel", &fields).await;
    assert!(page.says("Begin with a lower-case letter"), "{}", page.text());
    assert_eq!(page.form("add-connection").value("new[account]"), Some("ve9EPM428h8vShlRW1KT"));
    assert!(!page.html.contains("never-to-be-seen"));
    assert!(browser.open("/connections").await.says("Nothing is connected yet"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refused_credential_is_replaced_and_the_connection_works(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let base_url = house.sandbox.chargify.base_url.clone();
    let fields = [("name", "billing"), ("account", "acme"), ("api_key", "a-wrong-api-key"), ("base_url", &base_url)];
    let page = house.connect(&mut browser, "chargify", &fields).await;
    assert!(page.says("its test failed"), "{}", page.text());

    let form = page.form("rotate-credential").with("secret", house.sandbox.chargify.credential("api_key"));
    assert_eq!(form.value("field"), Some("api_key"));
    let page = browser.send(&page, form, None).await;
    assert!(page.says("The new credential is sealed and works."), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_sync_is_made_step_by_step(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    assert!(browser.open("/syncs/new").await.says("GoHighLevel is not connected yet"));
    house.connect_both(&mut browser).await;
    assert!(browser.open("/syncs/new").await.says("Which two are kept in step?"));

    let page = browser.open("/syncs/new?highlevel=crm&chargify=billing").await;
    let form = page.form("create-sync").with("draft[name]", "My Sync").with("draft[only_tag]", "vip");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("Begin with a lower-case letter"), "{}", page.text());
    assert_eq!(page.form("create-sync").value("draft[only_tag]"), Some("vip"));

    let form = page.form("create-sync").with("draft[name]", "contacts");
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/syncs/contacts/mapping?step=3");
    assert_eq!(page.form("edit-mapping").value("form[rows][2][highlevel]"), Some("email"), "the default mapping");
    assert!(browser.open("/syncs/contacts").await.says("the tag vip"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn rows_are_added_removed_and_corrected_and_saved_with_a_reason(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let page = house.with_sync(&mut browser).await;
    let rows = |page: &Page| page.html.matches("][direction]").count();
    assert_eq!(rows(&page), 10);

    let form = page.form("edit-mapping").with("form[add_highlevel]", "website").with("form[add_chargify]", "cc_emails");
    let page = browser.send(&page, form, Some(("form[press]", "add"))).await;
    assert_eq!(rows(&page), 11, "{}", page.text());
    assert!(page.says("Draft of version 2"));

    let form = page.form("edit-mapping").with("form[rows][3][transform]", "trim | lowr").with("form[reason]", "");
    let page = browser.send(&page, form, Some(("form[press]", "save"))).await;
    let row = page.html.split("id=\"row-4-error\"").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(row.contains("Transform, character 8"), "at its row with its position: {row}");
    assert!(page.says("Say in a few words why the mapping changes."));
    assert_eq!(page.form("edit-mapping").value("form[rows][3][transform]"), Some("trim | lowr"));

    let form = page.form("edit-mapping").with("form[rows][3][transform]", "trim | phone(\"US\")");
    let page = browser.send(&page, form, Some(("form[press]", "remove-10"))).await;
    assert_eq!(rows(&page), 10);
    assert!(browser.open("/syncs/contacts").await.says("Version 1, 10 rules"), "a draft changes nothing");

    let form = page.form("edit-mapping").with("form[rows][4][direction]", "to_chargify");
    let form = form.with("form[rows][4][conflict]", "ask").with("form[reason]", "phones in one form");
    let page = browser.send(&page, form, Some(("form[press]", "save"))).await;
    assert_eq!(page.path, "/syncs/contacts?done=mapping&step=4");
    assert!(page.says("Version 2, 10 rules") && page.says("Version 2: phones in one form"), "{}", page.text());
    assert!(page.says("trim | phone(\"US\")") && page.says("Ask a person") && page.says("→ Chargify"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_row_that_chargify_requires_stays_and_a_draft_can_be_given_up(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let page = house.with_sync(&mut browser).await;
    assert!(!page.html.contains("value=\"remove-2\""), "the e-mail row has no button");
    assert!(page.html.contains("value=\"remove-3\""));

    let form = page.form("edit-mapping");
    let page = browser.send(&page, form, Some(("form[press]", "remove-2"))).await;
    let form = page.form("edit-mapping").with("form[reason]", "without e-mail");
    let page = browser.send(&page, form, Some(("form[press]", "save"))).await;
    assert!(page.says("Nothing was saved.") && page.says("Add a rule that fills this field."), "{}", page.text());

    let form = page.form("edit-mapping");
    let page = browser.send(&page, form, Some(("form[press]", "discard"))).await;
    assert!(page.says("Version 1") && !page.says("Draft"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_sync_is_switched_on_after_a_question_and_plans_a_run(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    let page = browser.open("/syncs/contacts?ask=on").await;
    assert!(page.says("Let contacts write by itself?"));
    let form = page.form("switch-sync");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("It is switched on."), "{}", page.text());

    let form = page.form("plan-run");
    assert_eq!(form.value("mode"), Some("full"), "a first run reads everything");
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/runs/1");
    assert!(browser.open("/syncs/contacts").await.says("Run 1 is going on."));
}
