//! Plans an item again whose record changed after the plan was made, and shows it.

use super::{Running, plan::reason_code};
use crate::{
    Result,
    store::{Tables, items::ItemRow},
    sync::{Planned, planning::Circumstances},
};
use domain::Side;

impl Running<'_> {
    /// The plan made again from the copies.
    pub(super) async fn plan_again(&self, item: &ItemRow) -> Result<Option<Planned>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let mut ids: Vec<String> = item.contact_id.iter().cloned().collect();
        if let (None, Some(customer_id)) = (&item.contact_id, &item.customer_id) {
            // A webhook may have given the customer its contact meanwhile.
            let customers = [customer_id.clone()];
            let links = conn.links_of_records(workspace_id, sync_id, &[], &customers).await?;
            ids.extend(links.into_iter().map(|link| link.contact_id));
        }
        let rows = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &ids).await?;
        let planned = match rows.first() {
            Some(_) => {
                self.engine.plan_contacts(&mut *conn, &self.context, &rows, Circumstances::default()).await?.pop()
            }
            None if item.contact_id.is_some() => None,
            None => {
                let ids: Vec<String> = item.customer_id.iter().cloned().collect();
                let rows = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?;
                let how = Circumstances::default();
                self.engine.plan_lone_customers(&mut *conn, &self.context, &rows, how, None).await?.pop()
            }
        };
        let Some(planned) = planned else { return Ok(None) };
        self.show_new_plan(&mut *conn, item, &planned).await?;
        Ok(Some(planned))
    }

    async fn show_new_plan(&self, conn: &mut dyn Tables, item: &ItemRow, planned: &Planned) -> Result<()> {
        let mut shown = item.clone();
        shown.action = planned.item.action.as_str().to_owned();
        shown.customer_id = planned.customer_id().map(str::to_owned);
        shown.link_id = planned.link.as_ref().map(|link| link.id.0);
        shown.reason = format!("{} (planned again: it changed after the plan)", planned.item.reason.words);
        shown.changes = serde_json::to_value(&planned.item.changes).unwrap_or_default();
        shown.plan = planned.stored();
        conn.replan_item(self.context.workspace_id, self.run_id, &shown, &reason_code(planned)).await?;
        Ok(())
    }
}
