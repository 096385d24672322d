//! After a crash: what became of the writes that were on their way. Each is looked up, none is sent again blindly.

use super::Running;
use crate::{
    Result, UpstreamClass,
    clients::CallError,
    store::{self, intents::IntentRow},
    sync::{
        settling::{Belongs, Ended},
        unknown::{target, verdict},
        writing::{Target, Writer},
    },
};
use domain::{Side, record::Record};
use std::{collections::BTreeMap, time::Duration};

/// Creates that a page of the newest customers surely covers: half of it, since others create customers too.
const ONE_LIST: usize = 100;

impl Running<'_> {
    /// Settles the intents of this run, and of work before it, whose outcome nobody wrote down. Returns how long the
    /// service may be at the last of those that were not found and could still arrive; they are left as they are, unless
    /// that time `is_over`.
    pub(super) async fn settle_what_a_crash_left(&self, is_over: bool) -> Result<Option<Duration>> {
        let mut conn = self.engine.store().session().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let open = conn.open_intents_of_run(workspace_id, sync_id, self.run_id, self.engine.node().id).await?;
        drop(conn);
        let open = self.engine.abandoned(workspace_id, open).await?;
        if open.is_empty() {
            return Ok(None);
        }
        tracing::info!(intents = open.len(), run.id = %self.run_id, "looking up writes whose outcome is not known");
        let newest = self.newest_customers(&open).await?;
        let mut waits = None;
        for intent in &open {
            let target = target(intent)?;
            let found = match (&newest, target.reference()) {
                (Some(newest), Some(reference)) => newest.get(reference).cloned(),
                _ => self.look_up(&target).await?,
            };
            let rest = self.engine.goes_on(intent);
            if found.is_none() && !target.is_safe_twice() && !is_over && !rest.is_zero() {
                waits = waits.max(Some(rest));
                continue;
            }
            self.settle_intent(intent, found).await?;
        }
        Ok(waits)
    }

    /// The newest customers by reference, where one list answers for several creates. Who is not among them was not
    /// created; should the list be behind, the second create is refused, for a reference is taken once.
    async fn newest_customers(&self, open: &[IntentRow]) -> Result<Option<BTreeMap<String, Record>>> {
        let has_reference = |intent: &&IntentRow| Target::of(intent).is_some_and(|target| target.reference().is_some());
        let creates = open.iter().filter(has_reference).count();
        if !(2..=ONE_LIST).contains(&creates) {
            return Ok(None);
        }
        let newest = loop {
            match self.clients.chargify.newest_customers(&self.cause.call).await {
                Ok(newest) => break newest,
                Err(error) => self.wait_out(Side::Chargify, error).await?,
            }
        };
        let by_reference = newest.into_iter().filter_map(|record| Some((record.reference()?.to_owned(), record)));
        Ok(Some(by_reference.collect()))
    }

    async fn settle_intent(&self, intent: &IntentRow, found: Option<Record>) -> Result<()> {
        let item_no = intent.item_no.filter(|_| intent.run_id == Some(self.run_id.0));
        let ended = match (found, item_no) {
            (Some(record), Some(item_no)) => self.as_if_answered(intent, item_no, record).await?,
            (found, _) => self.writer().looked_up(intent, found).await?,
        };
        self.engine.settle(Belongs { context: &self.context, run_id: Some(self.run_id) }, &[ended]).await
    }

    /// The ending the item would have had if the answer had come.
    async fn as_if_answered(&self, intent: &IntentRow, item_no: i64, record: Record) -> Result<Ended> {
        let mut conn = self.engine.store().session().await?;
        let query = store::items::OpenQuery { only_highlevel: None, after: item_no - 1, limit: 1 };
        let rows = conn.open_items(self.context.workspace_id, self.run_id, &query).await?;
        let item = rows.iter().map(|row| &row.item).find(|item| item.item_no == item_no);
        let plans = self.engine.stored_plans(&mut *conn, &self.context, item.as_slice()).await?;
        drop(conn);
        let writer = self.writer();
        if let Some(planned) = plans.into_iter().flatten().next()
            && planned.item.action != domain::plan::Action::UpdateBoth
        {
            let mut ended = writer.answered(&planned, verdict(intent, Some(&record)), record);
            ended.item_no = Some(item_no);
            return Ok(ended);
        }
        // Two writes belong to the item, or it was settled: the copy is refreshed and the item planned again.
        writer.looked_up(intent, Some(record)).await
    }

    fn writer(&self) -> Writer<'_> {
        let as_of = self.engine.clock().now();
        Writer { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause, as_of }
    }

    /// The record if the write was carried out.
    async fn look_up(&self, target: &Target) -> Result<Option<Record>> {
        loop {
            match self.writer().find(target).await {
                Ok(found) => return Ok(found),
                Err(error) => self.wait_out(target.side, error).await?,
            }
        }
    }

    /// Waits when there were too many requests; gives up for any other reason.
    async fn wait_out(&self, side: Side, error: CallError) -> Result<()> {
        if let UpstreamClass::Rate { retry_after } = error.class {
            return self.engine.pause_lane(&self.context, side, retry_after, &error).await;
        }
        self.engine.note_refusal(&self.context, &error).await?;
        Err(error.into())
    }
}
