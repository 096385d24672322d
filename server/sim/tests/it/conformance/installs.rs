//! Apps that connections call with, and whose turn it is to renew their tokens.

use super::{Bench, bench::NOON, scenarios};
use engine::store::{
    connections::CredentialRow,
    installs::{AppRow, Granted, InstallRow, Lease},
};
use time::Duration;
use uuid::Uuid;

scenarios!(
    an_app_waits_until_it_is_installed,
    another_client_id_is_another_app,
    the_turn_at_renewing_is_one_s_and_ends,
    tokens_are_granted_to_whoever_has_the_turn,
    an_install_ends_once,
    tokens_stand_with_their_generation,
);

fn app(client_id: &str) -> AppRow {
    AppRow { client_id: client_id.to_owned(), version_id: Some("v1".to_owned()), chooser_url: None }
}

fn granted(by: Option<Uuid>) -> Granted {
    Granted { by, company_id: Some("c1".to_owned()), expires_at: NOON + Duration::DAY, at: NOON }
}

fn turn(by: u128, at: Duration) -> Lease {
    Lease { by: Uuid::from_u128(by), now: NOON + at, until: NOON + at + Duration::MINUTE }
}

impl Bench {
    async fn install(&self) -> Option<InstallRow> {
        self.session().await.install(self.workspace_id, self.crm).await.unwrap()
    }

    async fn put_app(&self, client_id: &str) {
        self.session().await.put_app(self.workspace_id, self.crm, &app(client_id)).await.unwrap();
    }

    async fn is_granted(&self, by: Option<Uuid>) -> bool {
        self.session().await.grant_install(self.workspace_id, self.crm, &granted(by)).await.unwrap()
    }

    async fn is_leased(&self, generation: i64, lease: Lease) -> bool {
        self.session().await.lease_install(self.workspace_id, self.crm, generation, lease).await.unwrap()
    }
}

async fn an_app_waits_until_it_is_installed(bench: &mut Bench) {
    assert!(bench.install().await.is_none());
    assert!(!bench.is_granted(None).await, "there is no app to grant anything to");
    bench.put_app("one-1").await;
    let row = bench.install().await.unwrap();
    assert_eq!((row.standing.as_str(), row.generation, row.version_id.as_deref()), ("waiting", 0, Some("v1")));
    assert!(!bench.is_leased(0, turn(1, Duration::ZERO)).await, "nothing to renew yet");
    assert!(bench.is_granted(None).await);
    let row = bench.install().await.unwrap();
    assert_eq!((row.standing.as_str(), row.generation, row.installed_at), ("installed", 1, Some(NOON)));
    assert_eq!((row.company_id.as_deref(), row.expires_at), (Some("c1"), Some(NOON + Duration::DAY)));
    let mut session = bench.session().await;
    assert!(session.remove_install(bench.workspace_id, bench.crm).await.unwrap());
    assert!(!session.remove_install(bench.workspace_id, bench.crm).await.unwrap());
}

async fn another_client_id_is_another_app(bench: &mut Bench) {
    bench.put_app("one-1").await;
    assert!(bench.is_granted(None).await);
    bench.put_app("one-1").await;
    let row = bench.install().await.unwrap();
    assert_eq!((row.standing.as_str(), row.generation), ("installed", 2), "the same app stays installed");
    bench.put_app("two-2").await;
    let row = bench.install().await.unwrap();
    assert_eq!((row.standing.as_str(), row.generation, row.client_id.as_str()), ("waiting", 3, "two-2"));
    assert_eq!((row.company_id, row.expires_at, row.installed_at), (None, None, None));
}

async fn the_turn_at_renewing_is_one_s_and_ends(bench: &mut Bench) {
    bench.put_app("one-1").await;
    assert!(bench.is_granted(None).await);
    assert!(!bench.is_leased(0, turn(1, Duration::ZERO)).await, "of an older generation");
    assert!(bench.is_leased(1, turn(1, Duration::ZERO)).await);
    assert!(!bench.is_leased(1, turn(2, Duration::SECOND)).await, "it is taken");
    assert!(bench.is_leased(1, turn(1, Duration::SECOND)).await, "and can be kept");
    assert!(!bench.is_leased(1, turn(2, Duration::seconds(61))).await, "for as long as it was kept");
    assert!(bench.is_leased(1, turn(2, Duration::seconds(62))).await, "then it is anybody's");
    let (workspace_id, mut session) = (bench.workspace_id, bench.session().await);
    let mut release = async |by: u128| {
        let retry_at = Some(NOON + Duration::HOUR);
        session.release_install(workspace_id, bench.crm, Uuid::from_u128(by), retry_at).await.unwrap()
    };
    assert!(!release(1).await);
    assert!(release(2).await);
    assert_eq!(bench.install().await.unwrap().retry_at, Some(NOON + Duration::HOUR));
    assert!(bench.is_leased(1, turn(3, Duration::seconds(63))).await);
}

async fn tokens_are_granted_to_whoever_has_the_turn(bench: &mut Bench) {
    bench.put_app("one-1").await;
    assert!(bench.is_granted(None).await);
    assert!(bench.is_leased(1, turn(1, Duration::ZERO)).await);
    assert!(!bench.is_granted(Some(Uuid::from_u128(2))).await);
    assert!(bench.is_granted(Some(Uuid::from_u128(1))).await);
    let row = bench.install().await.unwrap();
    assert_eq!((row.generation, row.lease_by, row.lease_until, row.retry_at), (2, None, None, None));
    assert!(!bench.is_granted(Some(Uuid::from_u128(1))).await, "the turn has ended");
}

async fn an_install_ends_once(bench: &mut Bench) {
    bench.put_app("one-1").await;
    let (workspace_id, crm) = (bench.workspace_id, bench.crm);
    let mut session = bench.session().await;
    assert!(!session.end_install(workspace_id, crm, "uninstalled", None).await.unwrap(), "it is not installed");
    session.grant_install(workspace_id, crm, &granted(None)).await.unwrap();
    let stranger = Some(Uuid::from_u128(7));
    assert!(!session.end_install(workspace_id, crm, "ended", stranger).await.unwrap());
    assert!(session.end_install(workspace_id, crm, "uninstalled", None).await.unwrap());
    assert!(!session.end_install(workspace_id, crm, "uninstalled", None).await.unwrap());
    let row = bench.install().await.unwrap();
    assert_eq!((row.standing.as_str(), row.generation, row.expires_at), ("uninstalled", 2, None));
    assert!(bench.is_granted(None).await, "a person can install it again");
}

async fn tokens_stand_with_their_generation(bench: &mut Bench) {
    bench.put_app("one-1").await;
    let (workspace_id, crm) = (bench.workspace_id, bench.crm);
    let mut session = bench.session().await;
    for (field, byte) in [("access_token", 1), ("refresh_token", 2)] {
        let hint = String::new();
        let row =
            CredentialRow { field: field.to_owned(), sealed: vec![byte], nonce: vec![byte + 5], hint, set_at: NOON };
        session.put_credential(workspace_id, crm, &row).await.unwrap();
    }
    let row = bench.install().await.unwrap();
    assert_eq!((row.access_token, row.access_token_nonce), (Some(vec![1]), Some(vec![6])));
    assert_eq!((row.refresh_token, row.refresh_token_nonce), (Some(vec![2]), Some(vec![7])));
    assert!(session.remove_credential(workspace_id, crm, "access_token").await.unwrap());
    assert!(!session.remove_credential(workspace_id, crm, "access_token").await.unwrap());
    let row = bench.install().await.unwrap();
    assert_eq!((row.access_token, row.refresh_token), (None, Some(vec![2])));
}
