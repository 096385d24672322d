//! `concord deletions`.

use super::Errand;
use crate::{
    cli::{DeletionsCommand, MeantArguments},
    config::Environment,
    installation::told,
    terminal::say,
};
use domain::view::{RemovalDraft, RemovalPageView, RemovalView};

pub(super) async fn deletions(command: DeletionsCommand, environment: Environment) -> anyhow::Result<u8> {
    let workspace = match &command {
        DeletionsCommand::Show(workspace) => workspace,
        DeletionsCommand::Approve(meant) | DeletionsCommand::Keep(meant) => &meant.workspace,
    };
    let errand = Errand::begin(&environment, workspace.workspace.as_deref()).await?;
    let done = carry_out(&errand, &command).await;
    errand.end().await?;
    say(done?);
    Ok(0)
}

async fn carry_out(errand: &Errand, command: &DeletionsCommand) -> anyhow::Result<String> {
    let (engine, viewer) = (&errand.engine, &errand.viewer);
    Ok(match command {
        DeletionsCommand::Show(_) => shown(&engine.removals(viewer).await.map_err(told)?),
        DeletionsCommand::Approve(meant) => {
            let runner = viewer.runner().map_err(told)?;
            let count = engine.approve_removals(&runner, &draft(meant)).await.map_err(told)?;
            format!("{count} approved; each is read once more and then deleted by the server")
        }
        DeletionsCommand::Keep(meant) => {
            let runner = viewer.runner().map_err(told)?;
            format!("{} kept", engine.refuse_removals(&runner, &draft(meant)).await.map_err(told)?)
        }
    })
}

fn draft(meant: &MeantArguments) -> RemovalDraft {
    RemovalDraft {
        id: meant.id.clone().unwrap_or_default(),
        shown: meant.all.unwrap_or(0),
        typed: meant.all.map(|count| count.to_string()).unwrap_or_default(),
    }
}

fn shown(page: &RemovalPageView) -> String {
    let mut lines = vec![format!("{} waiting to be deleted", page.total)];
    let line = |row: &RemovalView| {
        let noun = row.side.noun();
        format!("{}  {noun} {} {} ({}): {}", row.id, row.remote_id, row.name, row.sync, row.reason)
    };
    lines.extend(page.waiting.iter().map(line));
    lines.join("\n")
}
