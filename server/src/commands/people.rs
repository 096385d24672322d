//! `concord user add`.

use super::Errand;
use crate::{cli::UserAddArguments, config::Environment, installation::told, terminal::say};
use anyhow::Context as _;
use engine::NewPerson;
use secrecy::SecretString;
use std::io::Read as _;

/// Longer than any password taken.
const PASSWORD_BYTES_MAX: u64 = 4_096;

pub(super) async fn add(arguments: UserAddArguments, environment: Environment) -> anyhow::Result<u8> {
    let password = password()?;
    let errand = Errand::begin(&environment, arguments.workspace.workspace.as_deref()).await?;
    let new = NewPerson { email: arguments.email.clone(), name: arguments.name, role: arguments.role, password };
    let added = match errand.viewer.manager() {
        Ok(manager) => errand.engine.add_person(&manager, new).await,
        Err(error) => Err(error),
    };
    errand.end().await?;
    let added = added.map_err(told).context("the person was not added")?;
    let password = if added.is_new { "" } else { ", with the password they have" };
    say(format!("{} can sign in as {}{password}", arguments.email, arguments.role.as_str()));
    Ok(0)
}

/// One line, without its end.
fn password() -> anyhow::Result<SecretString> {
    let mut text = String::new();
    std::io::stdin().lock().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).context("reading the password")?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    anyhow::ensure!(!password.contains('\n'), "standard input holds more than one line; give the password alone");
    Ok(SecretString::from(password))
}
