//! The clients over real sockets: whole listings with the calls they may cost, and what breaks on the wire.

use super::script::{account, bulk, fields, live};
use domain::value::Value;
use engine::{
    HttpTransport, SystemClock, UpstreamClass,
    clients::{
        Chargify, HighLevel, OpenGate, QuietSink, Refusal, Wire,
        chargify::CustomerPage,
        highlevel::{LocationState, SearchPage},
    },
};
use sandbox::{Fault, FaultRule, Options, Sandbox};
use std::{collections::BTreeSet, sync::Arc};

fn wire() -> Wire {
    Wire {
        transport: Arc::new(HttpTransport::new().unwrap()),
        clock: Arc::new(SystemClock::new()),
        gate: Arc::new(OpenGate),
        sink: Arc::new(QuietSink),
    }
}

async fn sandbox(contacts: usize, customers: usize) -> (Sandbox, HighLevel, Chargify) {
    let options = Options { contacts, customers: Some(customers), ..Options::default() };
    let sandbox = sandbox::start(options).await.unwrap();
    let side = &sandbox.highlevel;
    let (location, token) = (side.credential("location_id").to_owned(), side.credential("token").into());
    let state = Arc::<LocationState>::default();
    let highlevel = HighLevel::new(account(&side.base_url), location, token, wire(), state);
    let side = &sandbox.chargify;
    let chargify = Chargify::new(account(&side.base_url), side.credential("api_key").into(), wire());
    (sandbox, highlevel, chargify)
}

#[tokio::test]
async fn every_contact_is_listed_once_in_pages_of_500() {
    let (sandbox, client, _) = sandbox(1_234, 0).await;
    let (mut ids, mut page) = (BTreeSet::new(), SearchPage::default());
    loop {
        let read = client.search(&bulk(), &page).await.unwrap();
        assert!(read.rows_complete && read.problems.is_empty(), "{:?}", read.problems);
        assert_eq!(read.total, Some(1_234));
        for record in read.records {
            assert!(ids.insert(record.id.unwrap()), "listed twice");
        }
        let Some(next) = read.next else { break };
        page.after = Some(next);
    }
    assert_eq!(ids.len(), 1_234);
    assert_eq!(sandbox.highlevel.stats().calls, 3);
}

#[tokio::test]
async fn every_customer_is_listed_once_in_pages_of_200() {
    let (sandbox, _, client) = sandbox(450, 450).await;
    let (mut ids, mut page) = (BTreeSet::new(), 1);
    loop {
        let read = client.customers(&bulk(), &CustomerPage { page, updated_since: None }).await.unwrap();
        assert!(read.rows_complete && read.problems.is_empty(), "{:?}", read.problems);
        ids.extend(read.records.into_iter().filter_map(|record| record.id));
        if !read.more {
            break;
        }
        page += 1;
    }
    assert_eq!((ids.len(), page), (450, 3));
    assert_eq!(sandbox.chargify.stats().calls, 3);
}

#[tokio::test]
async fn a_search_row_and_the_whole_contact_say_the_same() {
    let (_sandbox, client, _) = sandbox(60, 0).await;
    let page = client.search(&bulk(), &SearchPage::default()).await.unwrap();
    for row in page.records {
        let whole = client.get(&bulk(), row.id.as_ref().unwrap()).await.unwrap();
        for (key, value) in &row.values {
            let kind = domain::field::Catalogue::standard().kind(domain::Side::Highlevel, key);
            let same = whole
                .get(key.as_str())
                .is_none_or(|other| domain::value::normal(kind, other) == domain::value::normal(kind, value));
            assert!(same, "{key}: {value:?} in the row, {:?} in the contact", whole.get(key.as_str()));
        }
    }
}

#[tokio::test]
async fn a_duplicate_and_a_taken_reference_are_told_apart_from_other_refusals() {
    let (_sandbox, highlevel, chargify) = sandbox(0, 0).await;
    let ann = fields([("firstName", "Ann"), ("email", "ann@shop.example")]);
    let first = highlevel.create(&live(), &ann).await.unwrap().record.id;
    let error = highlevel.create(&live(), &ann).await.unwrap_err();
    let Refusal::DuplicateContact { contact_id, .. } = error.refusal else { panic!("{error:?}") };
    assert_eq!(contact_id, first);

    let mut ann = fields([("first_name", "A"), ("last_name", "B"), ("email", "a@b.example"), ("reference", "Ref1")]);
    chargify.create(&live(), &ann, "token-1").await.unwrap();
    let again = chargify.create(&live(), &ann, "token-1").await.unwrap_err();
    assert_eq!((again.class, again.refusal), (UpstreamClass::Ambiguous, Refusal::DuplicateSubmission));
    ann.insert("reference".into(), Value::from("rEF1"));
    assert_eq!(chargify.create(&live(), &ann, "token-2").await.unwrap_err().refusal, Refusal::ReferenceTaken);
    assert!(!chargify.lookup(&live(), "rEF1").await.unwrap().unwrap().exact);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_ambiguous_and_was_done() {
    let (sandbox, _, client) = sandbox(0, 0).await;
    for (n, fault) in [Fault::ResetAfter, Fault::Truncate].into_iter().enumerate() {
        sandbox.chargify.set_faults(vec![FaultRule::next(1, "POST /customers.json", fault.clone())]);
        let reference = format!("ref-{n}");
        let new =
            fields([("first_name", "A"), ("last_name", "B"), ("email", "a@b.example"), ("reference", &reference)]);
        let error = client.create(&live(), &new, &format!("token-{n}")).await.unwrap_err();
        assert_eq!(error.class, UpstreamClass::Ambiguous, "{fault:?}: {error:?}");
        assert!(client.lookup(&live(), &reference).await.unwrap().is_some_and(|found| found.exact), "{fault:?}");
    }
}

#[tokio::test]
async fn nobody_listening_means_that_nothing_was_sent() {
    let (_sandbox, _, _) = sandbox(0, 0).await;
    let client = Chargify::new(account("http://127.0.0.1:1"), "key".into(), wire());
    let error = client.create(&live(), &fields([("first_name", "A")]), "token").await.unwrap_err();
    assert_eq!(error.class, UpstreamClass::Unavailable);
}
