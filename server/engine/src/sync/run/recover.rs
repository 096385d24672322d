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

impl Running<'_> {
    /// Settles the intents of this run, and of runs before it, whose outcome nobody wrote down.
    pub(super) async fn settle_what_a_crash_left(&self) -> Result<()> {
        let mut conn = self.engine.pool().acquire().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let open = store::intents::open_of_run(&mut conn, workspace_id, sync_id, self.run_id).await?;
        drop(conn);
        if open.is_empty() {
            return Ok(());
        }
        tracing::info!(intents = open.len(), run.id = %self.run_id, "looking up writes whose outcome is not known");
        for intent in open {
            self.settle_intent(&intent).await?;
        }
        Ok(())
    }

    async fn settle_intent(&self, intent: &IntentRow) -> Result<()> {
        let found = self.look_up(intent).await?;
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
            (Some(record), Some(item_no)) => self.as_if_answered(item_no, record, result).await?,
            (found, _) => {
                let mut ended = Ended::as_outcome(domain::outcome::Outcome::Unchanged, None);
                ended.intents.push(result);
                ended.records.extend(found);
                ended
            }
        };
        self.engine.settle(belongs, &[ended]).await
    }

    /// The ending the item would have had if the answer had come.
    async fn as_if_answered(&self, item_no: i64, record: Record, intent: IntentResult) -> Result<Ended> {
        let mut conn = self.engine.pool().acquire().await?;
        let query = store::items::OpenQuery { only_highlevel: None, after: item_no - 1, limit: 1 };
        let rows = store::items::open(&mut conn, self.context.workspace_id, self.run_id, &query).await?;
        let item = rows.iter().map(|row| &row.item).find(|item| item.item_no == item_no);
        let plans = self.engine.stored_plans(&mut conn, &self.context, item.as_slice()).await?;
        drop(conn);
        let writer =
            Writer { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause };
        if let Some(planned) = plans.into_iter().flatten().next()
            && planned.item.action != domain::plan::Action::UpdateBoth
        {
            let mut ended = writer.answered(&planned, record, intent);
            ended.item_no = Some(item_no);
            return Ok(ended);
        }
        // Two writes belong to the item, or it was settled: the copy is refreshed and the item planned again.
        let mut ended = Ended::as_outcome(domain::outcome::Outcome::Unchanged, None);
        ended.intents.push(intent);
        ended.records.push(record);
        Ok(ended)
    }

    /// The record if the write was carried out.
    async fn look_up(&self, intent: &IntentRow) -> Result<Option<Record>> {
        let readers = Readers::from(&self.clients);
        let fields: BTreeMap<FieldKey, Value> = serde_json::from_value(intent.body.clone()).unwrap_or_default();
        let side: Side = intent.side.parse().map_err(|_unknown| crate::EngineError::Bug("an intent of no known side"))?;
        loop {
            let writer =
                Writer { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause };
            let looked = match (side, intent.operation.as_str()) {
                (Side::Chargify, "create") => readers
                    .customer_by_reference(&self.cause.call, &intent.remote_key)
                    .await
                    .map(|found| found.filter(|found| found.exact).map(|found| found.record)),
                (Side::Highlevel, "create") => writer.contact_like(&fields).await,
                (Side::Chargify, _) => self.if_held(&writer, &fields, readers.customer(&self.cause.call, &RemoteId(intent.remote_key.clone())).await),
                (Side::Highlevel, _) => self.if_held(&writer, &fields, readers.contact(&self.cause.call, &RemoteId(intent.remote_key.clone())).await),
            };
            match looked {
                Ok(found) => return Ok(found),
                Err(error) => match error.class {
                    UpstreamClass::NotFound => return Ok(None),
                    UpstreamClass::Rate { retry_after } => {
                        self.engine.pause_lane(&self.context, side, retry_after, &error).await?;
                    }
                    _ => {
                        self.engine.note_refusal(&self.context, &error).await?;
                        return Err(error.into());
                    }
                },
            }
        }
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
