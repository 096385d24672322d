//! The audit trail as a file: CSV for spreadsheets, JSON lines for programs. Written as it is read, page by page.

use super::visitor;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use domain::view::AuditFilter;
use engine::{Auditor, Engine, EngineError};
use futures::{Stream, stream};
use tower_sessions::Session;

use crate::audit_file::Format;

/// `/audit/export.csv` and `/audit/export.jsonl`, with the filters of the audit page as query.
pub(super) fn routes(engine: Engine) -> Router {
    Router::new().route("/audit/export.csv", get(csv)).route("/audit/export.jsonl", get(json_lines)).with_state(engine)
}

async fn csv(engine: State<Engine>, session: Session, filter: Query<AuditFilter>) -> Result<Response, StatusCode> {
    download(engine, session, filter, Format::Csv).await
}

async fn json_lines(
    engine: State<Engine>,
    session: Session,
    filter: Query<AuditFilter>,
) -> Result<Response, StatusCode> {
    download(engine, session, filter, Format::JsonLines).await
}

async fn download(
    State(engine): State<Engine>,
    session: Session,
    Query(filter): Query<AuditFilter>,
    format: Format,
) -> Result<Response, StatusCode> {
    let viewer = visitor::viewer(&engine, &session).await?;
    let auditor = viewer.auditor().map_err(|error| visitor::status(&error))?;
    // The first page is read before the headers leave: until then a refusal can still be a status.
    let first = engine.audit_export(&auditor, filter.clone(), 0).await.map_err(|error| visitor::status(&error))?;
    let (kind, disposition) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Format::JsonLines => ("application/x-ndjson", "attachment; filename=\"audit.jsonl\""),
    };
    let export = Export { engine, auditor, filter, format, next: Some(first), begun: false };
    let body = Body::from_stream(export.into_stream());
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], body).into_response())
}

struct Export {
    engine: Engine,
    auditor: Auditor,
    filter: AuditFilter,
    format: Format,
    /// The page to be written next; `None`: it was the last one.
    next: Option<Vec<domain::view::AuditLineView>>,
    begun: bool,
}

impl Export {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, EngineError>> {
        stream::try_unfold(self, |mut export| async {
            let Some(lines) = export.next.take() else { return Ok(None) };
            let mut text = if export.begun { Vec::new() } else { export.format.head() };
            export.begun = true;
            export.format.write(&lines, &mut text);
            if let Some(last) = lines.last() {
                let more = export.engine.audit_export(&export.auditor, export.filter.clone(), last.line_no).await?;
                export.next = (!more.is_empty()).then_some(more);
            }
            Ok(Some((Bytes::from(text), export)))
        })
    }
}
