//! After a crash: what became of the writes that were on their way. Each is looked up, none is sent again blindly.

use super::Running;
use crate::{
    Result, UpstreamClass,
    clients::CallError,
    store::{self, intents::IntentResult, intents::IntentRow},
    sync::{
        readers::Readers,
        settling::{Belongs, Ended},
        writing::Writer,
    },
};
use domain::{
    IntentId, RemoteId, Side,
    record::{FieldKey, Record},
    value::Value,
};
use std::collections::BTreeMap;

/// Creates that a page of the newest customers surely covers: half of it, since others create customers too.
const ONE_LIST: usize = 100;

fn is_new_customer(intent: &IntentRow) -> bool {
    intent.side == Side::Chargify.as_str() && intent.operation == "create"
}

impl Running<'_> {
    /// Settles the intents of this run, and of runs before it, whose outcome nobody wrote down.
    pub(super) async fn settle_what_a_crash_left(&self) -> Result<()> {
        let mut conn = self.engine.pool().acquire().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let open =
            store::intents::open_of_run(&mut conn, workspace_id, sync_id, self.run_id, self.engine.node().id).await?;
        drop(conn);
        if open.is_empty() {
            return Ok(());
        }
        tracing::info!(intents = open.len(), run.id = %self.run_id, "looking up writes whose outcome is not known");
        let newest = self.newest_customers(&open).await?;
        for intent in open.into_iter().filter(|intent| !self.engine.is_under_way(IntentId(intent.intent_id))) {
            let found = match &newest {
                Some(newest) if is_new_customer(&intent) => newest.get(&intent.remote_key).cloned(),
                _ => self.look_up(&intent).await?,
            };
            self.settle_intent(&intent, found).await?;
        }
        Ok(())
    }

    /// The newest customers by reference, where one list answers for several creates. Who is not among them was not
    /// created; should the list be behind, the second create is refused, for a reference is taken once.
    async fn newest_customers(&self, open: &[IntentRow]) -> Result<Option<BTreeMap<String, Record>>> {
        let creates = open.iter().filter(|intent| is_new_customer(intent)).count();
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
        let remote_id = found.as_ref().and_then(|record| record.id.as_ref()).map(|id| id.0.clone());
        let phase = if found.is_some() { "done" } else { "not_done" };
        let result = IntentResult {
            intent_id: IntentId(intent.intent_id),
            phase,
            remote_id,
            status: None,
            detail: Some("settled by a look-up after a restart".to_owned()),
        };
        let belongs = Belongs { context: &self.context, run_id: Some(self.run_id) };
        let item_no = intent.item_no.filter(|_| intent.run_id == Some(self.run_id.0));
        let ended = match (found, item_no) {
            (Some(record), Some(item_no)) => self.as_if_answered(intent, item_no, record, result).await?,
            (Some(record), None) => self.as_kept(intent, record, result),
            (None, _) => {
                let mut ended = Ended::as_outcome(domain::outcome::Outcome::Unchanged, None);
                ended.intents.push(result);
                ended
            }
        };
        self.engine.settle(belongs, &[ended]).await
    }

    /// The ending the item would have had if the answer had come.
    async fn as_if_answered(
        &self,
        row: &IntentRow,
        item_no: i64,
        record: Record,
        intent: IntentResult,
    ) -> Result<Ended> {
        let mut conn = self.engine.pool().acquire().await?;
        let query = store::items::OpenQuery { only_highlevel: None, after: item_no - 1, limit: 1 };
        let rows = store::items::open(&mut conn, self.context.workspace_id, self.run_id, &query).await?;
        let item = rows.iter().map(|row| &row.item).find(|item| item.item_no == item_no);
        let plans = self.engine.stored_plans(&mut conn, &self.context, item.as_slice()).await?;
        drop(conn);
        let writer = self.writer();
        if let Some(planned) = plans.into_iter().flatten().next()
            && planned.item.action != domain::plan::Action::UpdateBoth
        {
            let mut ended = writer.answered(&planned, record, intent);
            ended.item_no = Some(item_no);
            return Ok(ended);
        }
        // Two writes belong to the item, or it was settled: the copy is refreshed and the item planned again.
        Ok(self.as_kept(row, record, intent))
    }

    /// A write that is done and belongs to no open item: journalled, audited, and its copy refreshed.
    fn as_kept(&self, row: &IntentRow, record: Record, intent: IntentResult) -> Ended {
        let mut ended = Ended::as_outcome(domain::outcome::Outcome::Unchanged, None);
        ended.audit.push(self.writer().recovered_line(row, &record));
        ended.intents.push(intent);
        ended.records.push(record);
        ended
    }

    fn writer(&self) -> Writer<'_> {
        let as_of = self.engine.clock().now();
        Writer { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause, as_of }
    }

    /// The record if the write was carried out.
    async fn look_up(&self, intent: &IntentRow) -> Result<Option<Record>> {
        let readers = Readers::from(&self.clients);
        let fields: BTreeMap<FieldKey, Value> = serde_json::from_value(intent.body.clone()).unwrap_or_default();
        let side: Side =
            intent.side.parse().map_err(|_unknown| crate::EngineError::Bug("an intent of no known side"))?;
        loop {
            let writer = self.writer();
            let looked = match (side, intent.operation.as_str()) {
                (Side::Chargify, "create") => readers
                    .customer_by_reference(&self.cause.call, &intent.remote_key)
                    .await
                    .map(|found| found.filter(|found| found.exact).map(|found| found.record)),
                // A contact found by its phone alone may be a relative: only one that holds what was sent is ours.
                (Side::Highlevel, "create") => {
                    writer.contact_like(&fields).await.map(|found| found.filter(|record| writer.holds(record, &fields)))
                }
                (Side::Chargify, _) => self.if_held(
                    &writer,
                    &fields,
                    readers.customer(&self.cause.call, &RemoteId(intent.remote_key.clone())).await,
                ),
                (Side::Highlevel, _) => self.if_held(
                    &writer,
                    &fields,
                    readers.contact(&self.cause.call, &RemoteId(intent.remote_key.clone())).await,
                ),
            };
            match looked {
                Ok(found) => return Ok(found),
                Err(error) if error.class == UpstreamClass::NotFound => return Ok(None),
                Err(error) => self.wait_out(side, error).await?,
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

    fn if_held(
        &self,
        writer: &Writer<'_>,
        fields: &BTreeMap<FieldKey, Value>,
        read: std::result::Result<Record, CallError>,
    ) -> std::result::Result<Option<Record>, CallError> {
        read.map(|record| writer.holds(&record, fields).then_some(record))
    }
}
