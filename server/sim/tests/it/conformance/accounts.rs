//! Workspaces and connections.

use super::{Bench, bench::NOON, scenarios};
use domain::{ConnectionId, WorkspaceId};
use engine::{
    EngineError,
    store::connections::{CredentialRow, NewConnectionRow, SealedKey},
};
use uuid::Uuid;

scenarios!(
    the_first_workspace_is_the_oldest,
    a_connection_is_found_by_id_public_id_and_name,
    a_name_is_taken_once_in_a_workspace,
    a_chargify_site_is_connected_once,
    a_state_is_news_once,
    a_changed_connection_is_untested,
    a_credential_takes_the_place_of_the_one_before,
);

async fn the_first_workspace_is_the_oldest(bench: &mut Bench) {
    let second = WorkspaceId(Uuid::from_u128(1));
    bench.pass(std::time::Duration::from_secs(1)).await;
    let mut unit = bench.store.begin().await.unwrap();
    unit.lock_people().await.unwrap();
    unit.insert_workspace(second, "second").await.unwrap();
    unit.commit().await.unwrap();
    let mut session = bench.session().await;
    assert_eq!(session.first_workspace().await.unwrap(), Some(bench.workspace_id));
    assert_eq!(session.workspace_by_name("second").await.unwrap(), Some(second));
    assert_eq!(session.workspace_by_name("third").await.unwrap(), None);
}

async fn a_connection_is_found_by_id_public_id_and_name(bench: &mut Bench) {
    let mut session = bench.session().await;
    let by_id = session.connection(bench.workspace_id, bench.site).await.unwrap().unwrap();
    assert_eq!((by_id.name.as_str(), by_id.state.as_str(), by_id.state_at), ("billing", "untested", NOON));
    assert_eq!((by_id.data_key, by_id.data_key_nonce, by_id.key_version), (vec![1], vec![2], 1));
    for key in ["billing", "public-billing"] {
        let found = session.connection_by_key(bench.workspace_id, key).await.unwrap().unwrap();
        assert_eq!(found.connection_id, bench.site.0);
    }
    assert!(session.connection_by_key(bench.workspace_id, "none").await.unwrap().is_none());
    let names: Vec<String> =
        session.connections(bench.workspace_id).await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["billing", "crm"]);
}

/// Whether a further connection of that name, side and account is taken in.
async fn is_added(bench: &mut Bench, name: &str, side: &str, account: &str) -> bool {
    let data_key = SealedKey { bytes: vec![1], nonce: vec![2], version: 1 };
    let row = NewConnectionRow {
        workspace_id: bench.workspace_id,
        connection_id: ConnectionId(bench.id()),
        public_id: &bench.id().to_string(),
        name,
        side,
        account,
        base_url: None,
        webhook_public_key: None,
        data_key: &data_key,
        at: NOON,
    };
    match bench.session().await.insert_connection(row).await {
        Ok(()) => true,
        Err(EngineError::Invalid(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

async fn a_name_is_taken_once_in_a_workspace(bench: &mut Bench) {
    assert!(!is_added(bench, "crm", "highlevel", "elsewhere").await);
    assert!(is_added(bench, "crm-2", "highlevel", "crm").await);
}

async fn a_chargify_site_is_connected_once(bench: &mut Bench) {
    assert!(!is_added(bench, "billing-2", "chargify", "billing").await);
    assert!(is_added(bench, "billing-2", "chargify", "elsewhere").await);
    let mut session = bench.session().await;
    let mut row = session.connection(bench.workspace_id, bench.site).await.unwrap().unwrap();
    row.account = "elsewhere".to_owned();
    assert!(matches!(session.update_connection(&row, NOON).await, Err(EngineError::Invalid(_))));
}

async fn a_state_is_news_once(bench: &mut Bench) {
    let (workspace_id, mut session) = (bench.workspace_id, bench.session().await);
    let mut set = async |state: (&str, Option<&str>)| {
        session.set_connection_state(workspace_id, bench.site, state, NOON).await.unwrap()
    };
    assert!(set(("healthy", None)).await);
    assert!(!set(("healthy", None)).await);
    assert!(set(("healthy", Some("why"))).await);
    assert!(set(("refused", Some("why"))).await);
    let unknown = ConnectionId(Uuid::nil());
    assert!(!session.set_connection_state(workspace_id, unknown, ("healthy", None), NOON).await.unwrap());
}

async fn a_changed_connection_is_untested(bench: &mut Bench) {
    let mut session = bench.session().await;
    session.set_connection_state(bench.workspace_id, bench.crm, ("healthy", Some("x")), NOON).await.unwrap();
    let mut row = session.connection(bench.workspace_id, bench.crm).await.unwrap().unwrap();
    row.account = "elsewhere".to_owned();
    row.name = "names do not change".to_owned();
    assert_eq!(session.update_connection(&row, NOON).await.unwrap(), 1);
    let row = session.connection(bench.workspace_id, bench.crm).await.unwrap().unwrap();
    assert_eq!((row.account.as_str(), row.name.as_str()), ("elsewhere", "crm"));
    assert_eq!((row.state.as_str(), row.state_detail), ("untested", None));
}

async fn a_credential_takes_the_place_of_the_one_before(bench: &mut Bench) {
    let credential = |field: &str, byte: u8| CredentialRow {
        field: field.to_owned(),
        sealed: vec![byte],
        nonce: vec![0],
        hint: "last".to_owned(),
        set_at: NOON,
    };
    let (workspace_id, mut session) = (bench.workspace_id, bench.session().await);
    for (field, byte) in [("shared_key", 1), ("api_key", 2), ("api_key", 3)] {
        session.put_credential(workspace_id, bench.site, &credential(field, byte)).await.unwrap();
    }
    let held = session.credentials(workspace_id, bench.site).await.unwrap();
    let held: Vec<_> = held.into_iter().map(|row| (row.field, row.sealed)).collect();
    assert_eq!(held, [("api_key".to_owned(), vec![3]), ("shared_key".to_owned(), vec![1])]);
}
