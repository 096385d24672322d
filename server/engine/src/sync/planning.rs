//! Plans records from their copies: no remote call is made here, and none can be.

use super::{Decided, SyncContext, copy};
use crate::{
    Engine, Result,
    store::Tables,
    store::{items::ItemRow, links::LinkRow, records::RecordRow},
};
use domain::{
    LinkId, RemoteId, Side,
    decision::Decision,
    mapping::TAGS,
    matching::{Candidate, Lookup, Match, Sharing, find},
    merge::Base,
    plan::{LinkState, PlanInput, PlanItem, ReasonCode, plan},
    record::Record,
    value::Value,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A plan as kept with a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredPlan {
    pub(crate) item: PlanItem,
    pub(crate) matched: Option<Match>,
}

/// A record with everything its plan was made from.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) contact: Option<Record>,
    pub(crate) customer: Option<Record>,
    pub(crate) link: Option<LinkState>,
    pub(crate) matched: Option<Match>,
    pub(crate) item: PlanItem,
    /// The record of the pair that is gone, when one is.
    pub(crate) gone: Option<(Side, RemoteId)>,
}

impl Planned {
    /// As kept with a run.
    pub(crate) fn stored(&self) -> serde_json::Value {
        let stored = StoredPlan { item: self.item.clone(), matched: self.matched.clone() };
        serde_json::to_value(stored).unwrap_or_default()
    }

    pub(crate) fn contact_id(&self) -> Option<&str> {
        self.contact.as_ref()?.id.as_ref().map(RemoteId::as_str)
    }

    pub(crate) fn customer_id(&self) -> Option<&str> {
        self.customer.as_ref()?.id.as_ref().map(RemoteId::as_str)
    }

    /// The id of the pair's record on one side, whether that is there or gone.
    pub(crate) fn id_of(&self, side: Side) -> Option<&str> {
        let there = if side == Side::Highlevel { self.contact_id() } else { self.customer_id() };
        there.or_else(|| self.gone.as_ref().filter(|(gone, _)| *gone == side).map(|(_, id)| id.as_str()))
    }

    /// What to call it on a page.
    pub(crate) fn display_name(&self) -> String {
        self.contact.as_ref().or(self.customer.as_ref()).map(Record::display_name).unwrap_or_default()
    }

    pub(crate) fn email(&self) -> Option<String> {
        self.contact.as_ref().or(self.customer.as_ref()).and_then(Record::email)
    }

    /// Whether every field to be changed still holds what the plan says it holds: a plan that was kept may have been made
    /// while somebody else's outcome was on its way to the store.
    pub(crate) fn still_stands(&self) -> bool {
        self.item.changes.iter().filter(|change| change.field.as_str() != TAGS).all(|change| {
            let record = match change.side {
                Side::Highlevel => self.contact.as_ref(),
                Side::Chargify => self.customer.as_ref(),
            };
            record.is_none_or(|record| *record.values.get(&change.field).unwrap_or(&Value::Empty) == change.before)
        })
    }

    /// How the pair was found, for the link.
    pub(crate) fn matched_by(&self) -> &'static str {
        match self.matched {
            Some(Match::Reference(_)) => "reference",
            Some(Match::Email(_)) => "e-mail",
            Some(Match::PhoneName(_)) => "phone and name",
            // Both were there already and no rule found them.
            None if self.contact.is_some() && self.customer.is_some() => "a person",
            _ => "created by Concord",
        }
    }
}

/// How a planning came about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances {
    /// The side whose record is proved gone.
    pub(crate) gone: Option<Side>,
    /// A webhook or an event brought it up.
    pub(crate) heard: bool,
}

/// All that a batch of contacts is matched against.
struct Surroundings {
    links: BTreeMap<String, LinkRow>,
    customers: BTreeMap<String, Record>,
    /// Linked customers that are proved gone.
    gone: BTreeSet<String>,
    /// Customers as found by reference, e-mail, or phone; a hit is sorted out by the matching rules.
    candidates: Candidates,
    owners: Owners,
    sharing_email: BTreeMap<String, u32>,
    /// Phone → display names of contacts with that phone.
    phone_names: BTreeMap<String, Vec<String>>,
    decided: Decided,
}

/// Whose customers are, by customer.
#[derive(Default)]
struct Owners {
    /// The contact it belongs to.
    taken: BTreeMap<String, RemoteId>,
    /// The contact it belonged to until that one was deleted.
    left: BTreeMap<String, RemoteId>,
}

/// Customers in question, findable by every key that matching goes by.
#[derive(Default)]
struct Candidates {
    records: BTreeMap<String, Record>,
    by_reference: BTreeMap<String, Vec<String>>,
    by_email: BTreeMap<String, Vec<String>>,
    by_phone: BTreeMap<String, Vec<String>>,
}

impl Candidates {
    fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut all = Self::default();
        for record in records {
            let Some(id) = record.id.as_ref().map(|id| id.0.clone()) else { continue };
            let note = |index: &mut BTreeMap<String, Vec<String>>, key: Option<String>| {
                if let Some(key) = key {
                    index.entry(key).or_default().push(id.clone());
                }
            };
            note(&mut all.by_reference, record.reference().map(str::to_lowercase));
            note(&mut all.by_email, record.email());
            note(&mut all.by_phone, copy::phone(&record));
            all.records.insert(id, record);
        }
        all
    }

    /// Those under a key, with whom they belong to when that is not `seeker`.
    fn pick<'a>(
        &'a self,
        index: &BTreeMap<String, Vec<String>>,
        key: Option<&String>,
        owners: &Owners,
        seeker: &RemoteId,
    ) -> Vec<Candidate<'a>> {
        let ids = key.and_then(|key| index.get(key)).map(Vec::as_slice).unwrap_or_default();
        ids.iter()
            .filter_map(|id| {
                let another =
                    |owners: &BTreeMap<String, RemoteId>| owners.get(id).filter(|owner| *owner != seeker).cloned();
                let (taken_by, left_by) = (another(&owners.taken), another(&owners.left));
                Some(Candidate { id: RemoteId(id.clone()), record: self.records.get(id)?, taken_by, left_by })
            })
            .collect()
    }
}

impl Engine {
    /// Plans contacts from their copies.
    pub(crate) async fn plan_contacts(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        rows: &[RecordRow],
        how: Circumstances,
    ) -> Result<Vec<Planned>> {
        self.plan_contacts_supposing(conn, context, rows, how, None).await
    }

    /// Plans contacts as if a person had decided `supposed` about each.
    pub(crate) async fn plan_contacts_supposing(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        rows: &[RecordRow],
        how: Circumstances,
        supposed: Option<&Decision>,
    ) -> Result<Vec<Planned>> {
        // Whoever is gone is never planned as if they were there.
        let there = rows.iter().filter(|row| row.gone_at.is_none() || how.gone == Some(Side::Highlevel));
        let contacts = there.map(copy::record_of).collect::<Result<Vec<_>>>()?;
        let around = surroundings(conn, context, &contacts, supposed).await?;
        contacts.into_iter().map(|contact| plan_contact(context, &around, contact, how)).collect()
    }

    /// Plans customers that have no contact, as if a person had decided `supposed` about each, if it is given.
    pub(crate) async fn plan_lone_customers(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        rows: &[RecordRow],
        how: Circumstances,
        supposed: Option<&Decision>,
    ) -> Result<Vec<Planned>> {
        let ids: Vec<String> = rows.iter().map(|row| row.remote_id.clone()).collect();
        let decided = Decided::of(conn, context, (Side::Chargify, &ids), supposed).await?;
        rows.iter()
            .map(|row| {
                let customer = copy::record_of(row)?;
                let input = PlanInput {
                    customer: Some(&customer),
                    heard: how.heard,
                    decision: decided.in_force(&row.remote_id, None),
                    parted: decided.parted(&row.remote_id),
                    ..PlanInput::new(&context.policy)
                };
                let item = plan(&input);
                Ok(Planned { contact: None, customer: Some(customer), link: None, matched: None, item, gone: None })
            })
            .collect()
    }

    /// Plans as they were stored, with the records they are about, in the order of `items`. `None`: one of the records
    /// is gone, or the plan cannot be read.
    pub(crate) async fn stored_plans(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        items: &[&ItemRow],
    ) -> Result<Vec<Option<Planned>>> {
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let contact_ids: Vec<String> = items.iter().filter_map(|item| item.contact_id.clone()).collect();
        let customer_ids: Vec<String> = items.iter().filter_map(|item| item.customer_id.clone()).collect();
        let contacts = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &contact_ids).await?;
        let customers = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &customer_ids).await?;
        let links = conn.links_of_records(workspace_id, sync_id, &contact_ids, &customer_ids).await?;
        let stored = Stored {
            contacts: contacts.into_iter().map(|row| (row.remote_id.clone(), row)).collect(),
            customers: customers.into_iter().map(|row| (row.remote_id.clone(), row)).collect(),
            links: links.into_iter().map(|row| (LinkId(row.link_id), row)).collect(),
        };
        items.iter().map(|item| stored.plan_of(item)).collect()
    }

    /// Plans an existing link, whichever of its records are still there.
    pub(crate) async fn plan_link(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        link: &LinkRow,
        how: Circumstances,
    ) -> Result<Planned> {
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let contact_ids = [link.contact_id.clone()];
        let customer_ids = [link.customer_id.clone()];
        let contact = live(
            conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &contact_ids).await?,
            how.gone == Some(Side::Highlevel),
        )?;
        let customer = live(
            conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &customer_ids).await?,
            how.gone == Some(Side::Chargify),
        )?;
        let decided = Decided::of(conn, context, (Side::Highlevel, &contact_ids), None).await?;
        let decision = decided.in_force(&link.contact_id, Some(link));
        let gone = how.gone.map(|side| (side, id_in(link, side)));
        let link = link_state(link)?;
        let input = PlanInput {
            link: Some(&link),
            decision,
            contact: contact.as_ref(),
            customer: customer.as_ref(),
            gone: how.gone,
            heard: how.heard,
            ..PlanInput::new(&context.policy)
        };
        let item = plan(&input);
        Ok(Planned { contact, customer, link: Some(link), matched: None, item, gone })
    }
}

/// What stored plans are about.
struct Stored {
    contacts: BTreeMap<String, RecordRow>,
    customers: BTreeMap<String, RecordRow>,
    links: BTreeMap<LinkId, LinkRow>,
}

impl Stored {
    fn plan_of(&self, row: &ItemRow) -> Result<Option<Planned>> {
        let Ok(StoredPlan { item, matched }) = StoredPlan::deserialize(&row.plan) else { return Ok(None) };
        let (mut contact, mut customer) = (None, None);
        for (id, rows, place) in
            [(&row.contact_id, &self.contacts, &mut contact), (&row.customer_id, &self.customers, &mut customer)]
        {
            let Some(id) = id else { continue };
            let Some(found) = rows.get(id).filter(|found| found.gone_at.is_none()) else { return Ok(None) };
            *place = Some(copy::record_of(found)?);
        }
        let link = row.link_id.filter(|_| !item.new_link).and_then(|id| self.links.get(&LinkId(id)));
        let gone = match item.reason.code {
            ReasonCode::ContactGone => link.map(|link| (Side::Highlevel, id_in(link, Side::Highlevel))),
            ReasonCode::CustomerGone => link.map(|link| (Side::Chargify, id_in(link, Side::Chargify))),
            _ => None,
        };
        let link = link.map(link_state).transpose()?;
        Ok(Some(Planned { contact, customer, link, matched, item, gone }))
    }
}

/// The one copy, unless it is known to be gone.
fn live(rows: Vec<RecordRow>, gone: bool) -> Result<Option<Record>> {
    rows.first().filter(|row| !gone && row.gone_at.is_none()).map(copy::record_of).transpose()
}

fn id_in(link: &LinkRow, side: Side) -> RemoteId {
    RemoteId(if side == Side::Highlevel { link.contact_id.clone() } else { link.customer_id.clone() })
}

pub(super) fn link_state(row: &LinkRow) -> Result<LinkState> {
    let base: Base = serde_json::from_value(row.base.clone())
        .map_err(|_unreadable| crate::EngineError::Bug("a stored base cannot be read"))?;
    Ok(LinkState { id: LinkId(row.link_id), base })
}

fn plan_contact(context: &SyncContext, around: &Surroundings, contact: Record, how: Circumstances) -> Result<Planned> {
    let contact_id = contact.id.clone().unwrap_or_else(|| RemoteId(String::new()));
    let link = around.links.get(contact_id.as_str());
    let (state, matched, customer) = match (link, around.decided.customer_for(contact_id.as_str())) {
        (Some(row), _) => (Some(link_state(row)?), None, around.customers.get(&row.customer_id).cloned()),
        (None, Some(named)) => (None, None, Some(named.clone())),
        (None, None) => {
            let matched = match_contact(context, around, &contact, &contact_id);
            let customer = match &matched {
                Match::Reference(id) | Match::Email(id) | Match::PhoneName(id) => {
                    around.candidates.records.get(id.as_str()).cloned()
                }
                _ => None,
            };
            (None, Some(matched), customer)
        }
    };
    let partner_is_gone = link.is_some_and(|row| around.gone.contains(&row.customer_id));
    let input = PlanInput {
        link: state.as_ref(),
        contact: Some(&contact),
        customer: customer.as_ref(),
        matched: matched.as_ref(),
        gone: how.gone.or(partner_is_gone.then_some(Side::Chargify)),
        heard: how.heard,
        decision: around.decided.in_force(contact_id.as_str(), link),
        parted: around.decided.parted(contact_id.as_str()),
        ..PlanInput::new(&context.policy)
    };
    let item = plan(&input);
    let gone = link.filter(|_| partner_is_gone).map(|row| (Side::Chargify, id_in(row, Side::Chargify)));
    Ok(Planned { contact: Some(contact), customer, link: state, matched, item, gone })
}

fn match_contact(context: &SyncContext, around: &Surroundings, contact: &Record, id: &RemoteId) -> Match {
    let reference = Some(context.policy.matching.reference_of(id).to_lowercase());
    let (email, phone) = (contact.email(), copy::phone(contact));
    let candidates = &around.candidates;
    let by_reference = candidates.pick(&candidates.by_reference, reference.as_ref(), &around.owners, id);
    let by_email = candidates.pick(&candidates.by_email, email.as_ref(), &around.owners, id);
    let by_phone_name = candidates.pick(&candidates.by_phone, phone.as_ref(), &around.owners, id);
    let name = contact.display_name();
    let same_name = |phone: &String| {
        let names = around.phone_names.get(phone)?;
        let sharing = names.iter().filter(|other| other.to_lowercase() == name.to_lowercase()).count();
        u32::try_from(sharing.saturating_sub(1)).ok()
    };
    let others = Sharing {
        email: email
            .as_ref()
            .and_then(|email| around.sharing_email.get(email))
            .map_or(0, |count| count.saturating_sub(1)),
        phone_name: phone.as_ref().and_then(same_name).unwrap_or(0),
    };
    find(
        &Lookup { contact, by_reference: &by_reference, by_email: &by_email, by_phone_name: &by_phone_name, others },
        &context.policy.matching,
    )
}

/// Gathers, in a handful of queries, what a batch of contacts is matched against.
async fn surroundings(
    conn: &mut dyn Tables,
    context: &SyncContext,
    contacts: &[Record],
    supposed: Option<&Decision>,
) -> Result<Surroundings> {
    let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
    let ids: Vec<String> = contacts.iter().filter_map(|contact| contact.id.as_ref()).map(|id| id.0.clone()).collect();
    let links = conn.links_of_records(workspace_id, sync_id, &ids, &[]).await?;
    let decided = Decided::of(conn, context, (Side::Highlevel, &ids), supposed).await?;
    let linked: Vec<String> = links.iter().map(|link| link.customer_id.clone()).collect();
    let customers = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &linked).await?;
    let links: BTreeMap<String, LinkRow> = links.into_iter().map(|link| (link.contact_id.clone(), link)).collect();

    let unlinked: Vec<&Record> = contacts
        .iter()
        .filter(|contact| contact.id.as_ref().is_some_and(|id| !links.contains_key(id.as_str())))
        .collect();
    let references: Vec<String> = unlinked
        .iter()
        .filter_map(|contact| contact.id.as_ref())
        .map(|id| context.policy.matching.reference_of(id).to_lowercase())
        .collect();
    let mut emails: Vec<String> = unlinked.iter().filter_map(|contact| contact.email()).collect();
    emails.sort_unstable();
    emails.dedup();
    if crate::planted!(SkipEmailMatch) {
        emails.clear();
    }
    let mut phones: Vec<String> = unlinked.iter().filter_map(|contact| copy::phone(contact)).collect();
    phones.sort_unstable();
    phones.dedup();

    let rows = conn.candidate_customers(workspace_id, sync_id, &references, &emails, &phones).await?;
    let candidates = rows.iter().map(copy::record_of).collect::<Result<Vec<_>>>()?;
    let owners = owners(conn, context, &candidates).await?;
    let sharing = conn.contacts_sharing_email(workspace_id, sync_id, &emails).await?;
    let named = conn.contact_names_by_phone(workspace_id, sync_id, &phones).await?;
    let mut phone_names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (phone, name) in named {
        phone_names.entry(phone).or_default().push(name);
    }
    Ok(Surroundings {
        links,
        gone: customers.iter().filter(|row| row.gone_at.is_some()).map(|row| row.remote_id.clone()).collect(),
        customers: customers
            .iter()
            .filter(|row| row.gone_at.is_none())
            .map(|row| Ok((row.remote_id.clone(), copy::record_of(row)?)))
            .collect::<Result<_>>()?,
        candidates: Candidates::of(candidates),
        owners,
        sharing_email: sharing
            .into_iter()
            .map(|(email, count)| (email, u32::try_from(count).unwrap_or(u32::MAX)))
            .collect(),
        phone_names,
        decided,
    })
}

/// Whose each candidate is already, by an active link or because its reference is a contact's id; or whose it was until
/// that contact was deleted.
async fn owners(conn: &mut dyn Tables, context: &SyncContext, candidates: &[Record]) -> Result<Owners> {
    let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
    let ids: Vec<String> = candidates.iter().filter_map(|record| record.id.as_ref()).map(|id| id.0.clone()).collect();
    let prefix = context.policy.matching.prefix.clone().unwrap_or_default();
    let contact_named = |record: &Record| record.reference()?.strip_prefix(prefix.as_str()).map(str::to_owned);
    let links = conn.links_of_records(workspace_id, sync_id, &[], &ids).await?;
    let mut contact_ids: Vec<String> = candidates.iter().filter_map(contact_named).collect();
    contact_ids.extend(links.iter().map(|link| link.contact_id.clone()));
    let known = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &contact_ids).await?;
    let gone: BTreeMap<&str, bool> = known.iter().map(|row| (row.remote_id.as_str(), row.gone_at.is_some())).collect();
    let mut owners = Owners::default();
    for ended in conn.ended_links_of_customers(workspace_id, sync_id, &ids).await? {
        if ended.partner_gone_at.is_some() {
            owners.left.insert(ended.remote_id, RemoteId(ended.partner_id));
        }
    }
    let named = candidates.iter().filter_map(|record| Some((record.id.as_ref()?.0.clone(), contact_named(record)?)));
    // A reference may be anything; a link names a contact, read or not.
    let named = named.filter(|(_, contact_id)| gone.contains_key(contact_id.as_str()));
    let linked = links.into_iter().map(|link| (link.customer_id, link.contact_id));
    for (customer_id, contact_id) in named.chain(linked) {
        let is_gone = gone.get(contact_id.as_str()).copied().unwrap_or(false);
        let place = if is_gone { &mut owners.left } else { &mut owners.taken };
        place.insert(customer_id, RemoteId(contact_id));
    }
    Ok(owners)
}
