//! What people decided about a batch of records and is in force, and how those without a partner lost it.

use super::{SyncContext, copy};
use crate::{
    EngineError, Result,
    store::{
        Tables,
        decisions::{DecisionRow, EndedLinkRow},
        links::LinkRow,
    },
};
use domain::{
    Side,
    decision::{Decision, Partner},
    plan::Parted,
    record::Record,
};
use std::collections::BTreeMap;

/// Stands before the id of a customer without a contact among the chosen records of a run; all others are contacts.
pub(crate) const LONE_CUSTOMER: &str = "customer:";

/// Decisions about records of one side.
pub(crate) struct Decided {
    side: Side,
    rows: BTreeMap<String, (Decision, DecisionRow)>,
    ended: BTreeMap<String, EndedLinkRow>,
    /// Customers that decisions name, as far as they are there and nobody's else.
    named: BTreeMap<String, Record>,
    /// In place of whatever was decided, to see what would come of it.
    supposed: Option<Decision>,
}

impl Decided {
    /// Reads what was decided about the records, or supposes it was `supposed`.
    pub(crate) async fn of(
        conn: &mut dyn Tables,
        context: &SyncContext,
        (side, ids): (Side, &[String]),
        supposed: Option<&Decision>,
    ) -> Result<Self> {
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let rows = conn.decisions_of_records(workspace_id, sync_id, side, ids).await?;
        let rows = rows
            .into_iter()
            .map(|row| Ok((row.remote_id.clone(), (stored(&row)?, row))))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let ended = match side {
            Side::Highlevel => conn.ended_links_of_contacts(workspace_id, sync_id, ids).await?,
            Side::Chargify => conn.ended_links_of_customers(workspace_id, sync_id, ids).await?,
        };
        let given = rows.values().map(|(decision, _)| decision).chain(supposed);
        let names: Vec<String> = given.filter_map(customer_named).map(str::to_owned).collect();
        let named = named(conn, context, &names, ids).await?;
        let ended = ended.into_iter().map(|row| (row.remote_id.clone(), row)).collect();
        Ok(Self { side, rows, ended, named, supposed: supposed.cloned() })
    }

    /// The decision that still holds for a record with that link. Once the pair was settled, or ended, the decision has
    /// been carried out; only to leave a record out holds until a person takes it back.
    pub(crate) fn in_force(&self, id: &str, link: Option<&LinkRow>) -> Option<&Decision> {
        if let Some(supposed) = &self.supposed {
            return Some(supposed);
        }
        let (decision, row) = self.rows.get(id)?;
        let settled_at = link.map(|link| link.settled_at).or_else(|| self.ended.get(id).map(|ended| ended.ended_at));
        let holds = settled_at.is_none_or(|settled_at| settled_at <= row.decided_at)
            || (link.is_none() && decision.partner == Some(Partner::Nobody));
        holds.then_some(decision)
    }

    /// The customer that the decision in force pairs the contact with.
    pub(crate) fn customer_for(&self, id: &str) -> Option<&Record> {
        self.named.get(customer_named(self.in_force(id, None)?)?)
    }

    /// How the record lost its partner, when a deletion took it.
    pub(crate) fn parted(&self, id: &str) -> Option<Parted> {
        let at = self.ended.get(id)?.partner_gone_at?;
        Some(Parted { side: self.side.other(), at })
    }
}

fn stored(row: &DecisionRow) -> Result<Decision> {
    serde_json::from_value(row.answers.clone())
        .map_err(|_unreadable| EngineError::Bug("a stored decision cannot be read"))
}

/// The customer a decision names.
pub(crate) fn customer_named(decision: &Decision) -> Option<&str> {
    match &decision.partner {
        Some(Partner::Customer(id)) => Some(id.as_str()),
        _ => None,
    }
}

/// The customers of these ids that are there and that no contact but one of `contacts` is linked to.
async fn named(
    conn: &mut dyn Tables,
    context: &SyncContext,
    names: &[String],
    contacts: &[String],
) -> Result<BTreeMap<String, Record>> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
    let links = conn.links_of_records(workspace_id, sync_id, &[], names).await?;
    let is_taken = |id: &str| links.iter().any(|link| link.customer_id == id && !contacts.contains(&link.contact_id));
    let rows = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, names).await?;
    rows.iter()
        .filter(|row| row.gone_at.is_none() && !is_taken(&row.remote_id))
        .map(|row| Ok((row.remote_id.clone(), copy::record_of(row)?)))
        .collect()
}
