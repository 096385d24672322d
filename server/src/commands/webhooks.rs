//! `concord webhooks`.

use super::{Errand, FAILED};
use crate::{
    cli::{ConnectionArguments, WebhooksCommand},
    config::Environment,
    installation::told,
    terminal::say,
};
use domain::{
    Side,
    view::{EndpointState, HearingView, WebhooksView},
};

pub(super) async fn webhooks(command: WebhooksCommand, environment: Environment) -> anyhow::Result<u8> {
    let of = match &command {
        WebhooksCommand::Show(of) | WebhooksCommand::Register(of) | WebhooksCommand::Test(of) => of,
        WebhooksCommand::Fetch(fetch) => &fetch.of,
    };
    let errand = Errand::begin(&environment, of.workspace.workspace.as_deref()).await?;
    let done = carry_out(&errand, &command, of).await;
    errand.end().await?;
    let (lines, code) = done?;
    say(lines.join("\n"));
    Ok(code)
}

async fn carry_out(
    errand: &Errand,
    command: &WebhooksCommand,
    of: &ConnectionArguments,
) -> anyhow::Result<(Vec<String>, u8)> {
    let (engine, viewer, key) = (&errand.engine, &errand.viewer, of.connection.as_str());
    Ok(match command {
        WebhooksCommand::Show(_) => (shown(&engine.webhooks(viewer, key).await.map_err(told)?), 0),
        WebhooksCommand::Register(_) => {
            let keyholder = viewer.keyholder().map_err(told)?;
            (engine.register_webhooks(&keyholder, key).await.map_err(told)?, 0)
        }
        WebhooksCommand::Test(_) => {
            let keyholder = viewer.keyholder().map_err(told)?;
            let test = engine.test_webhooks(&keyholder, key).await.map_err(told)?;
            (vec![test.detail], if test.passed { 0 } else { FAILED })
        }
        WebhooksCommand::Fetch(fetch) => {
            let runner = viewer.runner().map_err(told)?;
            if fetch.count {
                let view = engine.look_for_missed(&runner, key).await.map_err(told)?;
                (vec![missed(&view)], 0)
            } else {
                (engine.fetch_missed(&runner, key).await.map_err(told)?, 0)
            }
        }
    })
}

fn missed(view: &WebhooksView) -> String {
    let count = view.missed.map_or(0, |(count, _)| count);
    match view.side {
        Side::Chargify => format!("{count} webhooks did not reach Concord"),
        Side::Highlevel => format!("{count} contacts changed since the last reading"),
    }
}

fn shown(view: &WebhooksView) -> Vec<String> {
    let mut lines = vec![format!("address: {}", view.url)];
    if view.side == Side::Chargify {
        let state = match view.endpoint {
            EndpointState::Unknown => "not looked at yet",
            EndpointState::Missing => "not registered",
            EndpointState::Enabled => "registered, and sends",
            EndpointState::Paused => "paused: too many deliveries failed; `concord webhooks register` wakes it",
            EndpointState::Disabled => "disabled: deliveries failed for too long; `concord webhooks register` wakes it",
        };
        lines.push(format!("endpoint: {state}"));
    }
    if let Some(test) = &view.test {
        lines.push(format!("self-test, {}: {}", test.at.rfc3339(), test.detail));
    }
    let last = view.last_at.map_or_else(|| "none yet".to_owned(), |at| at.rfc3339());
    lines.push(match view.hearing {
        HearingView::Silent(expected) => {
            format!("last webhook: {last}; silent, where at least {expected} come in these hours of every week")
        }
        HearingView::Never | HearingView::Learning | HearingView::Usual => format!("last webhook: {last}"),
    });
    if view.missed.is_some() {
        lines.push(missed(view));
    }
    if let Some((count, at)) = view.fetched {
        lines.push(format!("last fetched, {}: {count}", at.rfc3339()));
    }
    for (sync, when) in &view.read_by {
        lines.push(format!("changes read for {sync}: {}", when.as_deref().unwrap_or("never by itself")));
    }
    lines.extend(view.trouble.iter().map(|trouble| format!("the last look failed: {trouble}")));
    lines
}
