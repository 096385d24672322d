//! Reading the definitions of the fields that accounts made themselves: one call for each side that has some mapped.

use super::{OwnFields, known::own_fields};
use crate::{
    Editor, Engine, EngineError, Result, UpstreamClass,
    audit::{self, AuditAction, NewAuditLine},
    clients::{CallContext, Priority},
    sync::{Clients, Planned, SyncContext, names_own_field},
};
use domain::{Side, limits, plan::Change};
use time::Duration;

impl Engine {
    /// Reads the fields of both accounts of a sync now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Upstream`] when a service refuses; database errors.
    pub async fn refresh_fields(&self, editor: &Editor, sync: &str) -> Result<()> {
        let row = {
            let mut conn = self.store().session().await?;
            conn.sync_by_name(editor.workspace_id(), sync).await?
        };
        let context = SyncContext::of(row.ok_or(EngineError::NotFound("sync"))?)?;
        let clients = self.clients(&context).await?;
        let (key, name) = (editor.actor().key(), editor.actor().name().to_owned());
        let call = CallContext::new(Priority::Live, key.clone());
        for side in Side::BOTH {
            self.read_fields(&context, &clients, (side, &call), (key.clone(), name.clone())).await?;
        }
        Ok(())
    }

    /// Whether what is planned can be believed: where an emptied field of an account's own is to empty its partner, the
    /// field itself may have been deleted. `false`: it was, which is known from now on; plan again.
    ///
    /// # Errors
    /// As [`Engine::learn_fields`].
    pub(crate) async fn own_fields_stand(
        &self,
        context: &SyncContext,
        clients: &Clients,
        call: &CallContext,
        planned: &Planned,
    ) -> Result<bool> {
        let empties = |change: &Change| {
            let rule = context.policy.mapping.rule(&change.rule);
            change.after.is_blank() && rule.is_some_and(|rule| names_own_field(rule, change.side.other()))
        };
        if !planned.item.changes.iter().any(empties) {
            return Ok(true);
        }
        Ok(self.learn_fields(context, clients, call, false).await?.resting == context.resting)
    }

    /// Reads the fields of each side that has some of its own mapped, unless they were read just now. `all`: in any case.
    /// What a service does not let us read stays as it was known. Returns the context as it is then.
    ///
    /// # Errors
    /// [`EngineError::Upstream`] when a service refuses every call; database errors.
    pub(crate) async fn learn_fields(
        &self,
        context: &SyncContext,
        clients: &Clients,
        call: &CallContext,
        all: bool,
    ) -> Result<SyncContext> {
        let mut context = context.clone();
        for side in Side::BOTH {
            let fresh = context
                .known
                .side(side)
                .is_some_and(|own| !own.is_older_than(Duration::seconds(limits::FIELDS_SURE_S), self.clock().now()));
            if !context.maps_own_fields(side) || (fresh && !all) {
                continue;
            }
            let actor = ("system".to_owned(), "Concord itself".to_owned());
            match self.read_fields(&context, clients, (side, call), actor).await {
                Ok(stored) => context = context.with_fields(side, stored)?,
                Err(EngineError::Upstream { class, detail, .. }) if may_be_withheld(class) => {
                    tracing::warn!(%side, reason = detail, "the fields of an account cannot be read; what was known stays");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(context)
    }

    /// Reads and keeps one account's fields; a change of them is audited. Returns them as stored.
    pub(super) async fn read_fields(
        &self,
        context: &SyncContext,
        clients: &Clients,
        (side, call): (Side, &CallContext),
        actor: (String, String),
    ) -> Result<serde_json::Value> {
        let found = match side {
            Side::Highlevel => clients
                .highlevel
                .custom_fields(call)
                .await
                .map(|fields| fields.iter().map(crate::clients::highlevel::CustomField::field).collect()),
            Side::Chargify => clients.chargify.metafields(call).await,
        };
        let found = found.map_err(EngineError::from)?;
        let (workspace_id, connection_id) = (context.workspace_id, context.connection_id(side));
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        let before = tx.connection_fields(workspace_id, connection_id).await?;
        let before = before.as_ref().map(own_fields).transpose()?;
        let own = OwnFields::after(before.as_ref(), found, now);
        let stored = serde_json::to_value(&own).map_err(|_infallible| EngineError::Bug("fields do not serialise"))?;
        tx.set_connection_fields(workspace_id, connection_id, &stored).await?;
        if !own.is_same_as(before.as_ref()) {
            let name = if side == Side::Highlevel { &context.row.highlevel } else { &context.row.chargify };
            let (new, gone) = own.differences(before.as_ref());
            let line = NewAuditLine::of(actor, AuditAction::FieldsRead, now)
                .about(format!("connection:{connection_id}"), name)
                .with("side", side.as_str())
                .with("new", new)
                .with("gone", gone);
            audit::append(&mut *tx, workspace_id, line).await?;
        }
        tx.commit().await?;
        Ok(stored)
    }
}

/// Refusals of this one reading: the sync itself can go on.
fn may_be_withheld(class: UpstreamClass) -> bool {
    matches!(
        class,
        UpstreamClass::Permission | UpstreamClass::NotFound | UpstreamClass::Rejected | UpstreamClass::Malformed
    )
}
