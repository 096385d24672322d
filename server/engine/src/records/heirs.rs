//! Whom a deleted contact may have been merged into. GoHighLevel tells of no merge (HighLevel API docs, webhook index, seen
//! 2026-08): one contact is gone, and another has its e-mail address or its phone number and name.

use crate::{
    Result,
    store::Tables,
    sync::{SyncContext, record_of},
};
use domain::{
    RemoteId, Side,
    record::Record,
    value::Value,
    view::{FormerContactView, HeirView},
};

/// The deleted contact as it was last, as far as anything is kept of it.
pub(super) async fn former(
    conn: &mut dyn Tables,
    context: &SyncContext,
    contact_id: &RemoteId,
) -> Result<FormerContactView> {
    let ids = [contact_id.0.clone()];
    let rows = conn.records_by_ids(context.workspace_id, context.sync_id, Side::Highlevel, &ids).await?;
    let row = rows.first();
    let record = row.map(record_of).transpose()?;
    let phone = record.as_ref().and_then(|record| record.get("phone")).map(Value::display);
    Ok(FormerContactView {
        contact_id: contact_id.0.clone(),
        name: record.as_ref().map(Record::display_name).unwrap_or_default(),
        email: record.as_ref().and_then(Record::email),
        phone: phone.filter(|phone| !phone.is_empty()),
        gone_at: row.and_then(|row| row.gone_at).map(Into::into),
    })
}

/// Contacts without a partner that the customer's contact may have been merged into.
pub(super) async fn heirs(conn: &mut dyn Tables, context: &SyncContext, customer_id: &str) -> Result<Vec<HeirView>> {
    let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
    let ids = [customer_id.to_owned()];
    let rows = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?;
    let Some(customer) = rows.first() else { return Ok(Vec::new()) };
    let contacts = conn.contacts_for_customer(workspace_id, sync_id, customer).await?;
    let linked = conn.links_of_records(workspace_id, sync_id, &contacts, &[]).await?;
    let rows = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &contacts).await?;
    let free = rows.iter().filter(|row| linked.iter().all(|link| link.contact_id != row.remote_id));
    free.map(|row| {
        let record = record_of(row)?;
        Ok(HeirView { contact_id: row.remote_id.clone(), name: record.display_name(), email: record.email() })
    })
    .collect()
}
