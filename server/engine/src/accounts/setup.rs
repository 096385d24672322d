//! The first start: a link, printed once, makes the first owner. There is no default password.

use super::{FIRST_WORKSPACE, checked, is_short_line, password};
use crate::{
    Engine, EngineError, Result,
    audit::{self, AuditAction, NewAuditLine},
    store::{self, people::NewPersonRow},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    PersonId, Role, WorkspaceId,
    limits::{self, NAME_CHARS},
};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};
use time::Duration;

const TOKEN_BYTES: usize = 32;

/// Who takes the installation over.
#[derive(Debug)]
pub struct NewOwner {
    pub email: String,
    /// Empty: what stands before the `@`.
    pub name: String,
    pub password: SecretString,
    /// What the workspace is called. Empty: as it is called now, or `main`.
    pub workspace: String,
}

impl Engine {
    /// Whether the installation still waits for its first person.
    ///
    /// # Errors
    /// Database errors.
    pub async fn setup_pending(&self) -> Result<bool> {
        let mut conn = self.pool().acquire().await?;
        Ok(!store::people::any(&mut conn).await?)
    }

    /// The token of a fresh set-up link, which ends all earlier ones; `None` once there are people. Only its hash is
    /// kept: this is the one time it can be shown.
    ///
    /// # Errors
    /// Database errors.
    pub async fn new_setup_link(&self) -> Result<Option<String>> {
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::people::lock(&mut tx).await?;
        if store::people::any(&mut tx).await? {
            return Ok(None);
        }
        let token = URL_SAFE_NO_PAD.encode(self.entropy().bytes::<TOKEN_BYTES>());
        let now = self.clock().now();
        store::workspaces::end_setup_links(&mut tx).await?;
        store::workspaces::insert_setup_link(
            &mut tx,
            &token_hash(&token),
            now,
            now + Duration::seconds(limits::SETUP_LINK_S),
        )
        .await?;
        tx.commit().await?;
        Ok(Some(token))
    }

    /// Uses a set-up link: the person becomes owner of the first workspace, which is made if there is none, and takes
    /// the given name if nobody belongs to it yet.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when the link is unknown, used or too old; [`EngineError::Invalid`] when a rule is
    /// broken (the link can be used again); database errors.
    pub async fn claim_setup(&self, token: &str, owner: NewOwner) -> Result<PersonId> {
        let token_hash = token_hash(token);
        let now = self.clock().now();
        let mut conn = self.pool().acquire().await?;
        // Looked at before the expensive part: strangers cannot have us hash for nothing.
        if !store::workspaces::setup_link_is_open(&mut conn, &token_hash, now).await? {
            return Err(EngineError::NotFound("set-up link"));
        }
        drop(conn);
        let workspace = owner.workspace.trim();
        if !is_short_line(workspace) {
            return Err(EngineError::invalid(format!("workspace: use one line of at most {NAME_CHARS} characters")));
        }
        let person = checked(&owner.email, &owner.name, owner.password)?;
        let password_hash = password::hash(&person.password, self.entropy()).await?;
        let person_id = PersonId(self.entropy().uuid());
        let row = NewPersonRow { person_id, email: &person.email, name: &person.name, password_hash: &password_hash };

        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::people::lock(&mut tx).await?;
        let is_first = !store::people::any(&mut tx).await?;
        if !is_first || !store::workspaces::use_setup_link(&mut tx, &token_hash, now).await? {
            return Err(EngineError::NotFound("set-up link"));
        }
        let who = (format!("person:{person_id}"), person.name.clone());
        let workspace_id = self.workspace_for_owner(&mut tx, workspace, &who).await?;
        if !store::people::insert(&mut tx, &row).await? {
            return Err(EngineError::Bug("an address is taken where nobody is"));
        }
        store::people::join(&mut tx, workspace_id, person_id, Role::Owner).await?;
        let claimed = NewAuditLine::of(who.clone(), AuditAction::SetupClaimed, now).about(&who.0, &who.1);
        let added = NewAuditLine::of(who.clone(), AuditAction::PersonAdded, now)
            .about(&who.0, &who.1)
            .with("role", Role::Owner.as_str())
            .with("email", person.email.as_str());
        audit::append_many(&mut tx, workspace_id, vec![claimed, added]).await?;
        tx.commit().await?;
        Ok(person_id)
    }

    async fn workspace_for_owner(
        &self,
        mut conn: &mut PgConnection,
        name: &str,
        who: &(String, String),
    ) -> Result<WorkspaceId> {
        let wanted = if name.is_empty() { FIRST_WORKSPACE } else { name };
        let workspace_id = self.first_workspace(&mut conn, wanted, who.clone()).await?;
        let before = store::workspaces::name(conn, workspace_id).await?;
        if name.is_empty() || before == name || store::workspaces::named(conn, name).await?.is_some() {
            return Ok(workspace_id);
        }
        if store::workspaces::rename_unpeopled(conn, workspace_id, name).await? {
            let line = NewAuditLine::of(who.clone(), AuditAction::WorkspaceRenamed, self.clock().now())
                .about(format!("workspace:{workspace_id}"), name)
                .with("before", before);
            audit::append(&mut conn, workspace_id, line).await?;
        }
        Ok(workspace_id)
    }
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
