//! Whether the partner of a changed record must be read before it is written.
//!
//! A read would tell of an edit that no webhook has told of yet. Where such an edit could not change what is written, the
//! partner's copy will do: one call less for every change that is heard of in time. What the write's answer shows is
//! compared with the copy afterwards, so that nothing stays unseen.

use super::Look;
use crate::{Result, store::links::LinkRow, sync::copy};
use domain::{
    Side, limits,
    mapping::{Conflict, Rule},
    plan::Change,
    record::Record,
    value::{Value, normal},
};

/// How the partner is known.
pub(super) enum Partner {
    Read,
    /// As its copy says; nothing was asked.
    Copied(Box<Record>),
}

impl Look<'_> {
    /// The partner's copy, if what this look would write can be decided from it.
    ///
    /// It takes a change that was heard of at once, an older partner of which nothing waits to be looked at, and rules under
    /// which this side has the say in every field to be written: then an edit of the partner that is not known here is
    /// either older and gives way, or happened in the seconds that the webhook took.
    pub(super) async fn copy_that_suffices(&self, mine: &Record, link: &LinkRow) -> Result<Option<Box<Record>>> {
        let now = self.engine.clock().now();
        let in_time = |at: time::OffsetDateTime| (now - at).abs() <= limits::HEARD_AT_ONCE;
        let happened_at = mine.stamp.updated_at.max(self.heard.at);
        let Some(changed_at) = happened_at.filter(|at| in_time(*at) && !self.deliveries.is_empty()) else {
            return Ok(None);
        };
        let other = self.side.other();
        let ids = [partner_id(link, other).to_owned()];
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let connection_id = self.context.connection_id(other);
        if !conn.open_deliveries(workspace_id, connection_id, &ids).await?.is_empty() {
            return Ok(None);
        }
        let rows = conn.records_by_ids(workspace_id, sync_id, other, &ids).await?;
        let is_older = |at: Option<time::OffsetDateTime>| at.is_some_and(|at| at < changed_at);
        let Some(row) = rows.first().filter(|row| row.gone_at.is_none() && is_older(row.updated_at)) else {
            return Ok(None);
        };
        let planned = self.engine.plan_link(&mut *conn, &self.context, link, super::HEARD).await?;
        let base = planned.link.as_ref().map(|link| &link.base);
        let has_the_say = |change: &Change| {
            let rule = self.context.policy.mapping.rules.iter().find(|rule| rule.key() == change.rule);
            change.side == other
                && !change.after.is_blank()
                && base.is_some_and(|base| base.0.contains_key(&change.rule))
                && rule.is_some_and(|rule| gives_way(rule, other))
        };
        let decided = planned.item.conflicts.is_empty() && planned.item.changes.iter().all(has_the_say);
        Ok(if decided { Some(Box::new(copy::record_of(row)?)) } else { None })
    }

    /// Whether the answer to a write shows the partner otherwise than its copy in a mapped field that was not written.
    pub(super) fn differs(&self, copy: &Record, answers: &[Record], written: &[Change]) -> bool {
        let side = copy.side;
        let Some(answer) = answers.iter().find(|answer| answer.side == side) else { return false };
        self.context.mapped(side).any(|field| {
            let kind = self.context.policy.catalogue.kind(side, field);
            let was_written = written.iter().any(|change| change.side == side && change.field == *field);
            let before = copy.values.get(field).unwrap_or(&Value::Empty);
            !was_written && answer.values.get(field).is_some_and(|there| normal(kind, there) != normal(kind, before))
        })
    }
}

/// The id of a pair's record on one side.
pub(super) fn partner_id(link: &LinkRow, side: Side) -> &str {
    match side {
        Side::Highlevel => &link.contact_id,
        Side::Chargify => &link.customer_id,
    }
}

/// Whether a value of this side gives way to a newer one of the other.
fn gives_way(rule: &Rule, side: Side) -> bool {
    let one_way = !rule.direction.allows(side.other());
    one_way
        || match rule.conflict {
            Conflict::Newest => true,
            Conflict::Highlevel => side == Side::Chargify,
            Conflict::Chargify => side == Side::Highlevel,
            Conflict::FillEmpty | Conflict::Ask => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::mapping::Direction;

    #[test]
    fn a_value_gives_way_unless_the_rule_gives_it_a_say() {
        use {Conflict::*, Direction::*};
        let (contact, customer) = (Side::Highlevel, Side::Chargify);
        let table = [
            (Both, Newest, contact, true),
            (Both, Newest, customer, true),
            (Both, Conflict::Highlevel, contact, false),
            (Both, Conflict::Highlevel, customer, true),
            (Both, Conflict::Chargify, contact, true),
            (Both, Conflict::Chargify, customer, false),
            (Both, FillEmpty, customer, false),
            (Both, Ask, contact, false),
            (ToChargify, Ask, customer, true),
            (ToHighlevel, FillEmpty, contact, true),
        ];
        for (direction, conflict, side, expected) in table {
            let rule = Rule { direction, conflict, ..Rule::new("city", "city") };
            assert_eq!(gives_way(&rule, side), expected, "{direction:?} {conflict:?} {side}");
        }
    }
}
