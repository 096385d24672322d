//! Puts the tag on a contact whose customer was deleted, or takes it off once there is one again. Only that tag is touched.

use super::{BUSY, Removing};
use crate::{
    Result,
    jobs::Ending,
    store::links::LinkRow,
    sync::{
        Planned,
        planning::link_state,
        settling::{Belongs, LinkEffect},
        writing::Carried,
    },
};
use domain::{
    Side,
    deletes::DELETED_TAG,
    mapping::{RuleKey, TAGS},
    plan::{Action, Change, LinkState, PlanItem, Reason, ReasonCode},
    record::{FieldKey, Record},
    value::Value,
};

impl Removing<'_> {
    /// Writes the contact's tags, if they are not as wished already.
    pub(super) async fn set_tag(&self, record: Record, link: Option<&LinkRow>) -> Result<Ending> {
        let before = record.tags();
        let wanted = self.row.effect == "tag";
        if before.iter().any(|tag| tag == DELETED_TAG) == wanted {
            return self.end("done", "The tags are as they should be.").await;
        }
        let after: Vec<String> = if wanted {
            before.iter().cloned().chain([DELETED_TAG.to_owned()]).collect()
        } else {
            before.iter().filter(|tag| *tag != DELETED_TAG).cloned().collect()
        };
        let link = link.map(link_state).transpose()?;
        let planned = self.planned(record, link, (before, after));
        let writer = self.writer();
        match writer.carry_out(&planned, None).await? {
            Carried::Ended(mut ended) => {
                let refused = (ended.outcome == domain::outcome::Outcome::Failed).then(|| ended.detail.clone());
                // How the record stands, and what was agreed on, is not changed by a tag.
                (ended.contact_id, ended.customer_id, ended.link) = (None, None, LinkEffect::None);
                let mut tx = self.engine.store().begin().await?;
                let belongs = Belongs { context: &self.context, run_id: None };
                self.engine.settle_in(&mut *tx, belongs, std::slice::from_ref(&*ended)).await?;
                let (state, detail) = match &refused {
                    Some(detail) => ("failed", detail.clone().unwrap_or_default()),
                    None => ("done", "The tag is set.".to_owned()),
                };
                tx.settle_removal(self.context.workspace_id, &self.settled(state, &detail)).await?;
                tx.commit().await?;
                Ok(Ending::Done)
            }
            Carried::Again(_) | Carried::Busy | Carried::Lost => Ok(Ending::Later(BUSY)),
            Carried::Halt(error) => Err(error.into()),
        }
    }

    fn planned(
        &self,
        contact: Record,
        link: Option<LinkState>,
        (before, after): (Vec<String>, Vec<String>),
    ) -> Planned {
        let change = Change {
            rule: RuleKey(DELETED_TAG.to_owned()),
            side: Side::Highlevel,
            field: FieldKey::from(TAGS),
            before: Value::from(before),
            after: Value::from(after),
        };
        let item = PlanItem {
            action: Action::UpdateContact,
            reason: Reason::new(ReasonCode::CustomerGone, self.row.reason.clone()),
            changes: vec![change],
            reference: None,
            base_after: link.as_ref().map(|link| link.base.clone()).unwrap_or_default(),
            problems: Vec::new(),
            conflicts: Vec::new(),
            new_link: false,
        };
        Planned { contact: Some(contact), customer: None, link, matched: None, item, gone: None }
    }
}
