//! The configuration file: connections, syncs and mappings as code. Applying a file is one transaction; whatever is
//! wrong with it is told together, and then nothing is changed. Applying it again changes nothing.

mod check;
mod export;
mod file;

use crate::{
    Actor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    connections::{CredentialField, NewConnection, Whereabouts},
    schedules,
    store::Tables,
    syncs::{self, NewSyncEntry},
};
use check::{CheckedConnection, CheckedSync};
use domain::{Side, SyncId, schedule::Kind};
use secrecy::SecretString;

/// Stands in the audit trail.
const REASON: &str = "applied from a file";

/// Finds the credential that a file names by `token_env` and its like; the error says what to do.
pub type CredentialLookup<'a> = dyn Fn(&str) -> Result<SecretString, String> + Send + Sync + 'a;

impl Engine {
    /// Brings connections, syncs and mappings to what the file says, by name, and returns what changed, line by line;
    /// nothing when it was so already. What the file leaves out of an entry has its default; entries it does not name
    /// stay as they are.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with every fault found, each with its line and what to do, and nothing is changed;
    /// [`EngineError::NotAllowed`]; database errors.
    pub async fn apply(&self, viewer: &Viewer, text: &str, credentials: &CredentialLookup<'_>) -> Result<Vec<String>> {
        viewer.keyholder()?;
        viewer.editor()?;
        let wanted = check::file(text, credentials)?;
        let mut tx = self.store().begin().await?;
        let mut changed = Vec::new();
        let mut faults = Vec::new();
        // Locked before the audit trail, as everywhere: a schedule whose run is being started locks both in this order.
        tx.lock_schedules(viewer.workspace_id()).await?;
        self.forget_old_agreements(&mut *tx, viewer, &wanted.syncs).await?;
        for connection in &wanted.connections {
            match self.apply_connection(&mut *tx, viewer, connection).await {
                Ok(lines) => changed.extend(lines),
                Err(EngineError::Invalid(more)) => faults.extend(more.into_iter().map(|fault| connection.tell(&fault))),
                Err(other) => return Err(other),
            }
        }
        for sync in &wanted.syncs {
            match self.apply_sync(&mut *tx, viewer, sync).await {
                Ok(lines) => changed.extend(lines),
                Err(EngineError::Invalid(more)) => faults.extend(more.into_iter().map(|fault| sync.tell(&fault))),
                Err(other) => return Err(other),
            }
        }
        if !faults.is_empty() {
            drop(tx);
            return Err(EngineError::Invalid(faults));
        }
        if !changed.is_empty() {
            let line = NewAuditLine::by(viewer.actor(), AuditAction::ConfigurationApplied, self.clock().now())
                .with("changed", changed.clone());
            audit::append(&mut *tx, viewer.workspace_id(), line).await?;
        }
        tx.commit().await?;
        for sync in wanted.syncs.iter().filter(|sync| !sync.facts.is_empty()) {
            changed.extend(self.apply_facts(viewer.actor(), sync).await);
        }
        Ok(changed)
    }

    /// After the rest, since it asks GoHighLevel: what the file says stands, whatever comes of it.
    async fn apply_facts(&self, actor: &Actor, sync: &CheckedSync) -> Vec<String> {
        let told = |line: String| format!("sync {}: {line}", sync.name);
        match self.tell_facts_by(actor, &sync.name, &sync.facts).await {
            Ok(done) => done.into_iter().map(told).collect(),
            Err(error) => vec![told(format!("its billing facts are not told yet: {error}. Apply the file again"))],
        }
    }

    /// The workspace's connections, syncs and mappings as a file that [`Engine::apply`] takes. It holds no credential,
    /// only names of variables to set.
    ///
    /// # Errors
    /// Database errors.
    pub async fn export(&self, viewer: &Viewer) -> Result<String> {
        let workspace_id = viewer.workspace_id();
        let mut conn = self.store().session().await?;
        let mut connections = Vec::new();
        for row in conn.connections(workspace_id).await? {
            let held = conn.credentials(workspace_id, row.connection_id()).await?;
            let app = conn.install(workspace_id, row.connection_id()).await?;
            let registers = conn.watch(workspace_id, row.connection_id()).await?.is_some_and(|known| known.registers);
            connections.push(export::Connected {
                row,
                held: held.into_iter().map(|credential| credential.field).collect(),
                app,
                registers,
            });
        }
        let mut syncs = Vec::new();
        for row in conn.syncs(workspace_id).await? {
            let schedule = schedules::written(&mut *conn, workspace_id, row.sync_id()).await?;
            syncs.push((row, schedule));
        }
        export::text(&connections, syncs)
    }

    /// Links first: a run locks links before the audit trail, and what locks both must do so in the same order.
    async fn forget_old_agreements(
        &self,
        conn: &mut dyn Tables,
        viewer: &Viewer,
        wanted: &[CheckedSync],
    ) -> Result<()> {
        for sync in wanted {
            let Some(row) = conn.sync_by_name(viewer.workspace_id(), &sync.name).await? else { continue };
            let keys: Vec<String> = row
                .mapping()?
                .rules_changed_in(&sync.mapping_over(&row.mapping()?))
                .into_iter()
                .map(|key| key.0)
                .collect();
            conn.forget_rules(viewer.workspace_id(), row.sync_id(), &keys).await?;
        }
        Ok(())
    }

    async fn apply_connection(
        &self,
        conn: &mut dyn Tables,
        viewer: &Viewer,
        wanted: &CheckedConnection,
    ) -> Result<Vec<String>> {
        let new = &wanted.new;
        let (actor, name) = (viewer.actor(), new.name.as_str());
        let known = conn.connections(viewer.workspace_id()).await?;
        let Some(row) = known.iter().find(|row| row.name == name) else {
            let key = self.add_connection_in(conn, actor, new.clone()).await?;
            if wanted.registers
                && let Some(row) = conn.connection_by_key(viewer.workspace_id(), &key).await?
            {
                self.set_registers_in(conn, actor, &row, true).await?;
            }
            let install = new.app.as_ref().map(|_| self.install_hint(name, &key));
            return Ok([format!("connection {name}: added")].into_iter().chain(install).collect());
        };
        if row.side != new.side.as_str() {
            let side = row.side.parse::<Side>().map_or("the other service", Side::label);
            return Err(EngineError::invalid(format!("kind: {name} is a connection to {side}; choose another name")));
        }
        let mut changed = Vec::new();
        let place = Whereabouts {
            account: new.account.clone(),
            base_url: new.base_url.clone(),
            webhook_public_key: new.webhook_public_key.clone(),
        };
        if self.change_connection_in(conn, actor, &row.public_id, place).await? {
            changed.push(format!("connection {name}: account, address or webhook key changed"));
        }
        changed.extend(self.apply_app(conn, viewer, (new, &row.public_id)).await?);
        for (field, secret) in &new.credentials {
            if self.rotate_credential_in(conn, actor, &row.public_id, (*field, secret.clone())).await? {
                changed.push(format!("connection {name}: {} replaced", field.label().to_lowercase()));
            }
        }
        if self.set_registers_in(conn, actor, row, wanted.registers).await? {
            changed.push(match wanted.registers {
                true => format!("connection {name}: its webhooks are registered by Concord from now on"),
                false => format!("connection {name}: its webhooks are left to you from now on"),
            });
        }
        Ok(changed)
    }

    /// Which app it is, before its secret; and no secret for workflows where the file names none.
    async fn apply_app(
        &self,
        conn: &mut dyn Tables,
        viewer: &Viewer,
        (new, public_id): (&NewConnection, &str),
    ) -> Result<Vec<String>> {
        let (actor, name) = (viewer.actor(), new.name.as_str());
        let mut changed = Vec::new();
        if let Some(app) = &new.app {
            let secret = new.credentials.iter().find(|(field, _)| *field == CredentialField::ClientSecret);
            let known = conn.connection_by_key(viewer.workspace_id(), public_id).await?;
            let before = match &known {
                Some(known) => conn.install(viewer.workspace_id(), known.connection_id()).await?,
                None => None,
            };
            if self.use_app_in(conn, actor, public_id, (app, secret.map(|(_, secret)| secret.clone()))).await? {
                changed.push(format!("connection {name}: app or its secret changed"));
            }
            if before.is_none_or(|before| before.client_id != app.client_id.trim()) {
                changed.push(self.install_hint(name, public_id));
            }
        }
        let takes_workflows = new.credentials.iter().any(|(field, _)| *field == CredentialField::WorkflowSecret);
        if !takes_workflows && self.refuse_workflow_webhooks_in(conn, actor, public_id).await? {
            changed.push(format!("connection {name}: workflow webhooks are no longer taken in"));
        }
        Ok(changed)
    }

    /// What a file cannot do.
    fn install_hint(&self, name: &str, public_id: &str) -> String {
        let public_url = &self.settings().public_url;
        format!("connection {name}: its app is to be installed by a person, at {public_url}/connections/{public_id}")
    }

    async fn apply_sync(&self, conn: &mut dyn Tables, viewer: &Viewer, wanted: &CheckedSync) -> Result<Vec<String>> {
        let (actor, name) = (viewer.actor(), wanted.name.as_str());
        let connections = conn.connections(viewer.workspace_id()).await?;
        let highlevel = syncs::connection_of(&connections, &wanted.highlevel, Side::Highlevel);
        let chargify = syncs::connection_of(&connections, &wanted.chargify, Side::Chargify);
        let (highlevel, chargify) = match (highlevel, chargify) {
            (Ok(highlevel), Ok(chargify)) => (highlevel, chargify),
            (highlevel, chargify) => {
                let told = [("highlevel", highlevel.err()), ("chargify", chargify.err())];
                let faults = told.into_iter().filter_map(|(field, fault)| Some(format!("{field}: {}", fault?)));
                return Err(EngineError::Invalid(faults.collect()));
            }
        };
        let Some(row) = conn.sync_by_name(viewer.workspace_id(), name).await? else {
            let new = NewSyncEntry { name, highlevel, chargify, policy: &wanted.policy, mapping: &wanted.mapping };
            let sync_id = syncs::insert_sync(self, conn, actor, &new).await?;
            let state = if wanted.policy.enabled { "switched on" } else { "switched off" };
            let mut changed = vec![format!("sync {name}: created, {state}")];
            changed.extend(self.apply_schedule(conn, actor, sync_id, wanted).await?);
            return Ok(changed);
        };
        if row.highlevel != wanted.highlevel || row.chargify != wanted.chargify {
            return Err(EngineError::invalid(format!(
                "{name} pairs {} and {} already, and its links belong to them; choose another name for another pair",
                row.highlevel, row.chargify
            )));
        }
        let mut changed = Vec::new();
        let was_enabled = row.enabled;
        if syncs::change_policy(self, conn, actor, &row, (&wanted.policy, Some(REASON))).await? {
            changed.push(match (was_enabled, wanted.policy.enabled) {
                (false, true) => format!("sync {name}: switched on, settings as in the file"),
                (true, false) => format!("sync {name}: switched off, settings as in the file"),
                _ => format!("sync {name}: settings changed"),
            });
        }
        let mapping = wanted.mapping_over(&row.mapping()?);
        if syncs::write_mapping(self, conn, actor, &row, (&mapping, REASON)).await? {
            changed.push(format!("sync {name}: mapping saved as version {}", row.mapping_version + 1));
        }
        changed.extend(self.apply_schedule(conn, actor, row.sync_id(), wanted).await?);
        Ok(changed)
    }

    async fn apply_schedule(
        &self,
        conn: &mut dyn Tables,
        actor: &Actor,
        sync_id: SyncId,
        wanted: &CheckedSync,
    ) -> Result<Option<String>> {
        let (name, schedule) = (wanted.name.as_str(), &wanted.schedule);
        let changed = schedules::write_schedule(self, conn, actor, (sync_id, name), (schedule, REASON)).await?;
        let words = |kind| schedule.words(kind).unwrap_or_else(|| "off".to_owned());
        Ok(changed.then(|| {
            format!("sync {name}: schedule saved: changes {}; full {}", words(Kind::Changes), words(Kind::Full))
        }))
    }
}
