//! Writing the trail: a line is made by the use case that acts and appended in the transaction of the change.

use super::{
    action::{AuditAction, AuditOutcome},
    chain::{self, Chained},
};
use crate::{Actor, Result, store::Tables};
use domain::{RunId, WorkspaceId};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// A line about to be written.
///
/// `detail` is one JSON object. Keys with a meaning of their own: `side`, `changes` (see [`Self::change`]), `reason`,
/// `field`, `role`, `version`, `mode`, `status`, `event`. It never holds a credential.
#[derive(Clone, Debug)]
pub(crate) struct NewAuditLine {
    at: OffsetDateTime,
    actor: String,
    actor_name: String,
    action: AuditAction,
    subject: String,
    subject_name: String,
    outcome: AuditOutcome,
    detail: Value,
    run_id: Option<RunId>,
    contact_id: Option<String>,
    customer_id: Option<String>,
}

impl NewAuditLine {
    /// Something a person (or the command line) did.
    pub(crate) fn by(actor: &Actor, action: AuditAction, at: OffsetDateTime) -> Self {
        Self::of((actor.key(), actor.name().to_owned()), action, at)
    }

    /// Something the actor of that key (`run:<id>`, `webhook:<id>`, `system`) and name did.
    pub(crate) fn of((actor, actor_name): (String, String), action: AuditAction, at: OffsetDateTime) -> Self {
        Self {
            at,
            actor,
            actor_name,
            action,
            subject: String::new(),
            subject_name: String::new(),
            outcome: AuditOutcome::Done,
            detail: json!({}),
            run_id: None,
            contact_id: None,
            customer_id: None,
        }
    }

    /// What it was done to: `connection:<id>`, `link:<id>`, and the name people know it by.
    #[must_use]
    pub(crate) fn about(mut self, subject: impl Into<String>, name: impl Into<String>) -> Self {
        self.subject = subject.into();
        self.subject_name = name.into();
        self
    }

    /// Done unless said otherwise.
    #[must_use]
    pub(crate) fn ended(mut self, outcome: AuditOutcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// One more entry of the detail.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(entries) = &mut self.detail {
            entries.insert(key.to_owned(), value.into());
        }
        self
    }

    /// One more changed field; empty text stands for an empty field.
    #[must_use]
    pub(crate) fn change(mut self, side: &str, field: &str, before: &str, after: &str) -> Self {
        if let Value::Object(entries) = &mut self.detail {
            let changes = entries.entry("changes").or_insert_with(|| json!([]));
            if let Value::Array(changes) = changes {
                changes.push(json!({ "side": side, "field": field, "before": before, "after": after }));
            }
        }
        self
    }

    /// The run it was part of.
    #[must_use]
    pub(crate) fn in_run(mut self, run_id: RunId) -> Self {
        self.run_id = Some(run_id);
        self
    }

    /// The records it concerned.
    #[must_use]
    pub(crate) fn on_records(mut self, contact_id: Option<&str>, customer_id: Option<&str>) -> Self {
        self.contact_id = contact_id.map(str::to_owned);
        self.customer_id = customer_id.map(str::to_owned);
        self
    }
}

/// Appends one line. The workspace's trail stays locked until the caller's transaction ends: append last.
///
/// # Errors
/// Database errors.
pub(crate) async fn append(conn: &mut dyn Tables, workspace_id: WorkspaceId, line: NewAuditLine) -> Result<()> {
    append_many(conn, workspace_id, vec![line]).await
}

/// Appends lines in their order, with one lock and one statement. The workspace's trail stays locked until the caller's
/// transaction ends: append last.
///
/// # Errors
/// Database errors.
pub(crate) async fn append_many(
    conn: &mut dyn Tables,
    workspace_id: WorkspaceId,
    lines: Vec<NewAuditLine>,
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let (mut line_no, mut previous) = conn.lock_audit_head(workspace_id).await?;
    let mut columns = Columns::default();
    for line in lines {
        let line = line.storable();
        line_no += 1;
        if crate::planted!(BrokenChain) && line_no == 20 {
            previous.reverse();
        }
        let hash = chain::hash(&previous, &line.chained(workspace_id, line_no)).to_vec();
        columns.push(line_no, line, std::mem::replace(&mut previous, hash.clone()), hash);
    }
    conn.insert_audit_lines(workspace_id, &columns).await?;
    Ok(())
}

impl NewAuditLine {
    /// As the database can keep it: instants in microseconds, and no NUL, which Postgres has no place for. Values of
    /// remote records may contain one, and a write already made must not lose its line over it.
    fn storable(mut self) -> Self {
        self.at = self.at.replace_microsecond(self.at.microsecond()).unwrap_or(self.at);
        for text in [&mut self.actor, &mut self.actor_name, &mut self.subject, &mut self.subject_name] {
            without_nul(text);
        }
        for text in [&mut self.contact_id, &mut self.customer_id].into_iter().flatten() {
            without_nul(text);
        }
        json_without_nul(&mut self.detail);
        self
    }

    fn chained(&self, workspace_id: WorkspaceId, line_no: i64) -> Chained<'_> {
        Chained {
            workspace_id: workspace_id.0,
            line_no,
            at: self.at,
            texts: [
                &self.actor,
                &self.actor_name,
                self.action.as_str(),
                &self.subject,
                &self.subject_name,
                self.outcome.as_str(),
            ],
            detail: &self.detail,
            run_id: self.run_id.map(|id| id.0),
            contact_id: self.contact_id.as_deref(),
            customer_id: self.customer_id.as_deref(),
        }
    }
}

fn without_nul(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

fn json_without_nul(value: &mut Value) {
    match value {
        Value::String(text) => without_nul(text),
        Value::Array(items) => items.iter_mut().for_each(json_without_nul),
        Value::Object(entries) => entries.values_mut().for_each(json_without_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Lines turned into columns, the shape in which many rows are inserted at once.
#[derive(Default)]
pub struct Columns {
    pub line_no: Vec<i64>,
    pub at: Vec<OffsetDateTime>,
    pub actor: Vec<String>,
    pub actor_name: Vec<String>,
    pub action: Vec<String>,
    pub subject: Vec<String>,
    pub subject_name: Vec<String>,
    pub outcome: Vec<String>,
    pub detail: Vec<Value>,
    pub run_id: Vec<Option<Uuid>>,
    pub contact_id: Vec<Option<String>>,
    pub customer_id: Vec<Option<String>>,
    pub previous_hash: Vec<Vec<u8>>,
    pub hash: Vec<Vec<u8>>,
}

impl Columns {
    fn push(&mut self, line_no: i64, line: NewAuditLine, previous_hash: Vec<u8>, hash: Vec<u8>) {
        self.line_no.push(line_no);
        self.at.push(line.at);
        self.actor.push(line.actor);
        self.actor_name.push(line.actor_name);
        self.action.push(line.action.as_str().to_owned());
        self.subject.push(line.subject);
        self.subject_name.push(line.subject_name);
        self.outcome.push(line.outcome.as_str().to_owned());
        self.detail.push(line.detail);
        self.run_id.push(line.run_id.map(|id| id.0));
        self.contact_id.push(line.contact_id);
        self.customer_id.push(line.customer_id);
        self.previous_hash.push(previous_hash);
        self.hash.push(hash);
    }
}
