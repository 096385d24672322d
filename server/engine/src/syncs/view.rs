//! Syncs as pages see them.

use super::chain;
use crate::{
    Result,
    fields::Known,
    store::syncs::{SamplesRow, SyncRow, TallyRow},
};
use domain::{
    Side,
    field::Catalogue,
    mapping::{Rule, TAGS},
    record::FieldKey,
    value::Value,
    view::{At, FieldChoiceView, RuleView, ScheduleBriefView, SyncView},
};

/// Longest sample shown under a field's name.
const SAMPLE_CHARS: usize = 60;

pub(super) fn sync(row: &SyncRow, tally: TallyRow, samples: &SamplesRow) -> Result<SyncView> {
    let policy = row.policy()?;
    let mapping = row.mapping()?;
    let known = Known::of(row)?;
    let catalogue = known.catalogue(&mapping);
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let last_run = match (number(tally.last_number), tally.last_mode, tally.last_status) {
        (Some(number), Some(mode), Some(status)) => Some((number, mode, status)),
        _ => None,
    };
    Ok(SyncView {
        name: row.name.clone(),
        highlevel: row.highlevel.clone(),
        chargify: row.chargify.clone(),
        enabled: policy.enabled,
        slots: u8::try_from(policy.slots).unwrap_or_default(),
        require_email: policy.scope.require_email,
        only_tag: policy.scope.tag,
        not_tag: policy.scope.not_tag,
        match_reference: policy.matching.reference,
        match_email: policy.matching.email,
        match_phone_name: policy.matching.phone_name,
        prefix: policy.matching.prefix,
        create_contacts: policy.create_contacts,
        write_reference: policy.write_reference,
        carry_notes: policy.engagements.notes,
        carry_tasks: policy.engagements.tasks,
        carry_appointments: policy.engagements.appointments,
        contact_deleted: policy.deletes.contact,
        customer_deleted: policy.deletes.customer,
        mapping_version: u32::try_from(row.mapping_version).unwrap_or_default(),
        rules: mapping.rules.iter().map(|rule| self::rule(rule, (&catalogue, &known), samples)).collect(),
        links: count(tally.links),
        contacts: count(tally.contacts),
        customers: count(tally.customers),
        waiting: count(tally.waiting),
        written_today: count(tally.written_today),
        last_run,
        last_run_at: tally.last_at.map(At::from),
        open_run: number(tally.open_number),
        schedule: ScheduleBriefView::default(),
    })
}

fn rule(rule: &Rule, (catalogue, known): (&Catalogue, &Known), samples: &SamplesRow) -> RuleView {
    let locked = catalogue.get(Side::Chargify, &rule.chargify).is_some_and(|field| field.required);
    RuleView {
        highlevel: rule.highlevel.to_string(),
        highlevel_label: catalogue.label(Side::Highlevel, &rule.highlevel).to_owned(),
        chargify: rule.chargify.to_string(),
        chargify_label: catalogue.label(Side::Chargify, &rule.chargify).to_owned(),
        direction: rule.direction.as_str().to_owned(),
        conflict: rule.conflict.as_str().to_owned(),
        empty: rule.empty.as_str().to_owned(),
        transform: chain::show(&rule.transform),
        locked,
        rests: known.rests(rule),
        highlevel_sample: sample(&samples.highlevel, &rule.highlevel),
        chargify_sample: sample(&samples.chargify, &rule.chargify),
    }
}

/// The first value any of the records holds.
fn sample(records: &[serde_json::Value], key: &FieldKey) -> Option<String> {
    records
        .iter()
        .filter_map(|values| serde_json::from_value::<Value>(values.get(key.as_str())?.clone()).ok())
        .find(|value| !value.is_blank())
        .map(|value| value.display().chars().take(SAMPLE_CHARS).collect())
}

/// Deleted fields are nobody's choice any more.
pub(super) fn choices(catalogue: &Catalogue, known: &Known, side: Side) -> Vec<FieldChoiceView> {
    let choice = |field: &domain::field::Field| FieldChoiceView {
        key: field.key.to_string(),
        label: field.label.clone(),
        kind: field.type_words(),
        read_only: (!field.writable).then(|| {
            if field.key.as_str() == TAGS {
                "Tags can be sent to Chargify, or, by a rule of that direction alone, be put on by it".to_owned()
            } else {
                format!("{} does not let this field be written", side.label())
            }
        }),
    };
    catalogue.fields(side).values().filter(|field| !known.is_gone(side, &field.key)).map(choice).collect()
}
