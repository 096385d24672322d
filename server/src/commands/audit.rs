//! `concord audit verify` and `concord audit export`.

use super::{Errand, FAILED};
use crate::{
    cli::{AuditExportArguments, WorkspaceArguments},
    config::Environment,
    installation::told,
    terminal::say,
};
use domain::view::AuditFilter;
use std::io::Write as _;

pub(super) async fn verify(arguments: WorkspaceArguments, environment: Environment) -> anyhow::Result<u8> {
    let errand = Errand::begin(&environment, arguments.workspace.as_deref()).await?;
    let verdict = errand.engine.verify_audit(errand.viewer.workspace_id()).await.map_err(told);
    errand.end().await?;
    let verdict = verdict?;
    match verdict.first_bad {
        None => {
            say(format!(
                "all {} lines are as they were written; the last one's hash is {}",
                verdict.lines, verdict.hash
            ));
            Ok(0)
        }
        Some(fault) => {
            say(format!("{fault}; the {} lines before are as they were written", verdict.lines));
            Ok(FAILED)
        }
    }
}

pub(super) async fn export(arguments: AuditExportArguments, environment: Environment) -> anyhow::Result<u8> {
    let errand = Errand::begin(&environment, arguments.workspace.workspace.as_deref()).await?;
    let written = write(&errand, &arguments).await;
    errand.end().await?;
    written.map(|()| 0)
}

async fn write(errand: &Errand, arguments: &AuditExportArguments) -> anyhow::Result<()> {
    let auditor = errand.viewer.auditor().map_err(told)?;
    let mut text = arguments.format.head();
    let mut after = 0;
    loop {
        let lines = errand.engine.audit_export(&auditor, AuditFilter::default(), after).await.map_err(told)?;
        arguments.format.write(&lines, &mut text);
        // Nobody reading any more (`| head`) ends the export, quietly.
        if std::io::stdout().lock().write_all(&text).is_err() {
            return Ok(());
        }
        text.clear();
        match lines.last() {
            Some(last) => after = last.line_no,
            None => return Ok(()),
        }
    }
}
