//! Fields that the accounts made themselves: metafields, custom fields of each type, and what happens when one is gone.

use crate::support::{SYNC, Setup, World};
use domain::Side;
use engine::EngineError;
use sandbox::{Fault, FaultRule, chargify::metafields::Owner};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;

const SET: &str = "POST /customers/{id}/metadata.json";
const READ_MANY: &str = "GET /customers/metadata.json";

impl World {
    fn contact_holding(&self, name: &str, field: &str, value: &Value) -> String {
        self.add_contact_with(&json!({
            "firstName": name, "lastName": "Field", "email": format!("{name}@field.example"),
            "customFields": [{ "id": self.field(field), "field_value": value }],
        }))
    }

    fn set_field(&self, contact: &str, field: &str, value: &Value) {
        let properties = json!({ "customFields": [{ "id": self.field(field), "field_value": value }] });
        self.edit_contact(contact, &properties);
    }

    fn metafield(&self, customer: i64, name: &str) -> Option<String> {
        self.sandbox
            .chargify
            .with(|rules, _| rules.custom_fields(Owner::Customer).value(customer, name).map(str::to_owned))
    }

    fn set_metafield(&self, customer: i64, name: &str, value: &str) {
        let wish = json!({ "name": name, "value": value }).as_object().unwrap().clone();
        self.sandbox.chargify.with(|rules, now| rules.set_metadata(Owner::Customer, customer, &[wish], now).unwrap());
    }
}

fn custom(id: &str) -> String {
    format!("customField:{id}")
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn metafields_are_written_by_a_call_of_their_own_and_then_both_sides_agree(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.map(&[(&custom(&world.field("VAT Number")), "metafield:account_manager", "both")]).await.unwrap();
    let ada = world.contact_holding("ada", "VAT Number", &json!("GB1"));
    let ben = world.contact_holding("ben", "Account Notes", &json!("no number"));

    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.created), ("complete", 2), "{run:#?}");
    assert_eq!(world.metafield(world.customer_of(&ada), "account_manager").as_deref(), Some("GB1"));
    assert_eq!(world.metafield(world.customer_of(&ben), "account_manager"), None);
    assert_eq!(run.planned_chargify, 3, "two customers, and one metafield");
    assert_eq!((world.calls_to(Side::Chargify, "POST /customers.json"), world.calls_to(Side::Chargify, SET)), (2, 1));
    assert_eq!(world.calls_to(Side::Chargify, "GET /customers/metafields.json"), 1, "definitions are read once");

    world.reset_stats();
    let again = world.run("full").await;
    assert_eq!((again.counts.unchanged, world.writes()), (2, 0), "{again:#?}");
    assert_eq!(world.calls_to(Side::Chargify, READ_MANY), 1, "one call for all customers");

    world.reset_stats();
    world.run("changes").await;
    assert_eq!(world.calls(), (1, 1), "nothing changed: {:#?}", world.sandbox.chargify.requests());
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_metafield_changed_in_chargify_is_heard_of_by_its_event(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.map(&[(&custom(&world.field("VAT Number")), "metafield:account_manager", "both")]).await.unwrap();
    let ada = world.contact_holding("ada", "VAT Number", &json!("GB1"));
    world.run("full").await;
    let customer = world.customer_of(&ada);

    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.set_metafield(customer, "account_manager", "GB2");
    world.reset_stats();
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 1), "{run:#?}");
    assert_eq!(world.held(&ada, "VAT Number"), Some(json!("GB2")));
    assert_eq!(world.calls_to(Side::Chargify, "GET /customers/{id}.json"), 1);
    assert_eq!(world.calls_to(Side::Chargify, "GET /customers/{id}/metadata.json"), 1);

    world.reset_stats();
    world.run("changes").await;
    world.run("full").await;
    assert_eq!(world.writes(), 0, "nothing goes in circles");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_webhook_carries_a_custom_field_into_its_metafield(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.map(&[(&custom(&world.field("VAT Number")), "metafield:account_manager", "both")]).await.unwrap();
    let ada = world.contact_holding("ada", "VAT Number", &json!("GB1"));
    world.run("full").await;
    world.skip_webhooks(2).await;
    let customer = world.customer_of(&ada);

    world.set_field(&ada, "VAT Number", &json!("GB2"));
    world.reset_stats();
    world.next_webhook().await;
    assert_eq!(world.metafield(customer, "account_manager").as_deref(), Some("GB2"));
    assert_eq!(world.calls_to(Side::Chargify, SET), 1);
    assert_eq!(world.calls_to(Side::Chargify, "PUT /customers/{id}.json"), 0, "the customer itself is left alone");
    assert_eq!(world.writes(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_value_that_is_no_choice_stays_behind_alone_with_the_list_of_choices(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.map(&[(&custom(&world.field("VAT Number")), "metafield:tier", "both")]).await.unwrap();
    let ada = world.contact_holding("ada", "VAT Number", &json!("Platinum"));
    let ben = world.contact_holding("ben", "VAT Number", &json!("gold"));
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.created), ("complete", 2), "{run:#?}");
    assert_eq!(world.metafield(world.customer_of(&ada), "tier"), None);
    assert_eq!(world.metafield(world.customer_of(&ben), "tier").as_deref(), Some("Gold"), "as Chargify spells it");
    assert_eq!(world.calls_to(Side::Chargify, SET), 1, "what would be dropped in silence is not sent");
    let items = world.items(run.number).await;
    let item = items.iter().find(|item| item.contact_id.as_deref() == Some(ada.as_str())).unwrap();
    assert!(item.reason.contains("(\"Platinum\"; tier takes Bronze, Silver, Gold)"), "{}", item.reason);

    // Told again and again as long as it is so, not forgotten.
    world.run("full").await;
    let again = world.run("full").await;
    let items = world.items(again.number).await;
    assert_eq!((again.counts.unchanged, items.len()), (2, 1), "{items:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn each_type_of_custom_field_takes_chargifys_text_in_its_own_form(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let pairs = [
        ("Shoe Size", "size", "42.50", Some(json!(42.5))),
        ("Contract Value", "value", "1200", Some(json!(1200))),
        ("Renewal Date", "renewal", "2026-08-31", Some(json!("2026-08-31"))),
        ("Favourite Plan", "plan", "growth", Some(json!("Growth"))),
        ("Interests", "interests", "crm, Billing", Some(json!(["CRM", "Billing"]))),
        ("Contact Channel", "channel", "Pigeon", None),
        ("Second Phone", "phone2", "617 111 0000", None),
        ("Account Notes", "notes", "a, b", Some(json!("a, b"))),
    ];
    let customer = world.add_customer(&[("first_name", "Cy"), ("last_name", "Field"), ("email", "cy@field.example")]);
    let contact = world.add_contact("Cy", "Field", "cy@field.example");
    let mut rules = Vec::new();
    for (field, metafield, value, _) in &pairs {
        world.set_metafield(customer, metafield, value);
        rules.push((custom(&world.field(field)), format!("metafield:{metafield}")));
    }
    let rules: Vec<_> = rules.iter().map(|(left, right)| (left.as_str(), right.as_str(), "both")).collect();
    world.map(&rules).await.unwrap();
    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    for (field, _, value, expected) in &pairs {
        assert_eq!(world.held(&contact, field), *expected, "{field} from {value:?}");
    }
    assert_eq!(world.calls_to(Side::Highlevel, "PUT /contacts/{id}"), 1, "all in one call");
    world.reset_stats();
    world.run("full").await;
    assert_eq!(world.writes(), 0, "what was written is what is read");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_rule_whose_custom_field_was_deleted_rests_and_nothing_is_emptied(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.map(&[(&custom(&world.field("VAT Number")), "metafield:account_manager", "both")]).await.unwrap();
    let ada = world.contact_holding("ada", "VAT Number", &json!("GB1"));
    world.run("full").await;
    let customer = world.customer_of(&ada);

    let id = world.field("VAT Number");
    assert!(world.sandbox.highlevel.with(|rules, _| rules.delete_custom_field(&id)));
    world.edit_contact(&ada, &json!({ "city": "London" }));
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 1), "{run:#?}");
    assert_eq!(world.customer_text(customer, "city"), "London", "the rest goes on");
    assert_eq!(world.metafield(customer, "account_manager").as_deref(), Some("GB1"), "nothing was emptied");
    assert_eq!(run.resting.len(), 1);
    assert!(run.resting[0].contains("GoHighLevel no longer has the field VAT Number"), "{:?}", run.resting);
    let rules = world.rules().await;
    let resting: Vec<_> = rules.iter().filter(|rule| rule.rests.is_some()).map(|rule| &rule.highlevel_label).collect();
    assert_eq!(resting, ["VAT Number (deleted)"]);
    let lines = world.audit_lines().await;
    let told = |words: &str| lines.iter().any(|line| line.action == "connection.fields_read" && line.words == words);
    assert!(told("GoHighLevel has 0 new fields of its own and lacks 1 in crm"), "{lines:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_webhook_after_a_deletion_of_the_field_empties_nothing_either(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.map(&[(&custom(&world.field("VAT Number")), "metafield:account_manager", "both")]).await.unwrap();
    let ada = world.contact_holding("ada", "VAT Number", &json!("GB1"));
    world.run("full").await;
    world.skip_webhooks(2).await;
    let customer = world.customer_of(&ada);
    // Read an hour ago, as far as anybody knows.
    world.count("with old as (update connection set fields = jsonb_set(fields, '{read_at}', '\"2026-01-01T00:00:00Z\"') returning 1) select count(*) from old").await;

    let id = world.field("VAT Number");
    assert!(world.sandbox.highlevel.with(|rules, _| rules.delete_custom_field(&id)));
    world.edit_contact(&ada, &json!({ "city": "London" }));
    world.next_webhook().await;
    assert_eq!(world.customer_text(customer, "city"), "London");
    assert_eq!(world.metafield(customer, "account_manager").as_deref(), Some("GB1"), "nothing was emptied");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_metafield_that_could_not_be_read_is_not_written_over(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let customer = world.add_customer(&[("first_name", "Cy"), ("last_name", "Field"), ("email", "cy@field.example")]);
    world.set_metafield(customer, "account_manager", "theirs");
    let contact = world.add_contact("Cy", "Field", "cy@field.example");
    world.set_field(&contact, "VAT Number", &json!("ours"));
    let field = custom(&world.field("VAT Number"));
    world.map(&[(&field, "metafield:account_manager", "to_chargify")]).await.unwrap();
    let withheld = Fault::Status { status: 404, body: None, retry_after: None };
    world.sandbox.chargify.set_faults(vec![FaultRule::always(READ_MANY, withheld)]);
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!(world.metafield(customer, "account_manager").as_deref(), Some("theirs"));
    assert_eq!(world.calls_to(Side::Chargify, SET), 0);
    assert_eq!(world.links().await, 1, "the pair is made all the same");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_fields_of_both_accounts_can_be_chosen_by_name_and_type(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let editor = world.viewer().await.editor().unwrap();
    world.engine.refresh_fields(&editor, SYNC).await.unwrap();
    assert_eq!(world.calls(), (1, 1), "one call each");
    let (highlevel, chargify) = world.engine.field_choices(&world.viewer().await, SYNC).await.unwrap();
    let kind = |choices: &[domain::view::FieldChoiceView], label: &str| {
        choices.iter().find(|choice| choice.label == label).map(|choice| choice.kind.clone()).unwrap()
    };
    assert_eq!(kind(&highlevel, "Interests"), "several choices of 4");
    assert_eq!(kind(&highlevel, "Contract Value"), "amount of money");
    assert_eq!(kind(&highlevel, "Do not disturb: e-mail"), "text");
    assert_eq!(kind(&chargify, "tier"), "one choice of 3");
    let files = highlevel.iter().find(|choice| choice.label == "Signed Contract").unwrap();
    assert!(files.read_only.is_some());

    let files = world.map(&[(&files.key.clone(), "metafield:contract", "both")]).await;
    assert!(matches!(files, Err(EngineError::Invalid(_))), "{files:?}");
    world
        .map(&[
            ("dndSettings.Email", "metafield:no_mail", "to_chargify"),
            ("tags", "metafield:ghl_tags", "to_chargify"),
        ])
        .await
        .unwrap();
    let contact = world.add_contact_with(&json!({
        "firstName": "Dee", "lastName": "Field", "email": "dee@field.example", "tags": ["Vip", "new"],
        "dndSettings": { "Email": { "status": "active" } },
    }));
    // Search rows do not tell of the channels; a webhook makes the contact be read whole.
    world.next_webhook().await;
    let customer = world.customer_of(&contact);
    assert_eq!(world.metafield(customer, "no_mail").as_deref(), Some("active"));
    assert_eq!(world.metafield(customer, "ghl_tags").as_deref(), Some("vip, new"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn tags_are_put_on_contacts_and_only_our_own_are_taken_off_again(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let customer = world.add_customer(&[("first_name", "Cy"), ("last_name", "Field"), ("email", "cy@field.example")]);
    world.set_metafield(customer, "tier", "Gold");
    let contact = world.add_contact_with(&json!({
        "firstName": "Cy", "lastName": "Field", "email": "cy@field.example", "tags": ["vip"],
    }));
    world.map(&[("tags", "metafield:tier", "to_highlevel")]).await.unwrap();
    let tags = || world.sandbox.highlevel.with(|rules, _| rules.contact(&contact).unwrap().tags.clone());
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), tags()), ("complete", vec!["vip".to_owned(), "gold".to_owned()]), "{run:#?}");

    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.set_metafield(customer, "tier", "Silver");
    world.reset_stats();
    let run = world.run("changes").await;
    assert_eq!((run.planned_highlevel, tags()), (2, vec!["vip".to_owned(), "silver".to_owned()]), "{run:#?}");
    assert_eq!(world.calls_to(Side::Highlevel, "POST /contacts/{id}/tags"), 1);
    assert_eq!(world.calls_to(Side::Highlevel, "DELETE /contacts/{id}/tags"), 1);
    assert_eq!(world.calls_to(Side::Highlevel, "PUT /contacts/{id}"), 0, "never the whole set");

    world.reset_stats();
    world.run("full").await;
    assert_eq!(world.writes(), 0);
}
