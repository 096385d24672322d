//! `concord apply` and `concord export`.

use super::Errand;
use crate::{
    cli::{ApplyArguments, WorkspaceArguments},
    config::Environment,
    installation::told,
    terminal::say,
};
use anyhow::Context as _;
use std::{io::Read as _, path::Path};

/// Far above any real configuration; whoever names a disk image by mistake shall not wait for it.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub(super) async fn apply(arguments: ApplyArguments, environment: Environment) -> anyhow::Result<u8> {
    let text = read(&arguments.file)?;
    let errand = Errand::begin(&environment, arguments.workspace.workspace.as_deref()).await?;
    let credentials = |name: &str| environment.credential(name).map_err(|error| error.to_string());
    let applied = errand.engine.apply(&errand.viewer, &text, &credentials).await;
    let changed = applied
        .map_err(told)
        .with_context(|| format!("{} was not applied and nothing was changed", arguments.file.display()));
    errand.end().await?;
    let changed = changed?;
    if changed.is_empty() {
        say("nothing changed");
    }
    changed.iter().for_each(say);
    Ok(0)
}

pub(super) async fn export(arguments: WorkspaceArguments, environment: Environment) -> anyhow::Result<u8> {
    let errand = Errand::begin(&environment, arguments.workspace.as_deref()).await?;
    let text = errand.engine.export(&errand.viewer).await.map_err(told);
    errand.end().await?;
    say(text?.trim_end());
    Ok(0)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let reading = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    reading.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}
