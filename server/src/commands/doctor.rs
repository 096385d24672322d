//! `concord doctor`: looks at everything a working installation needs, and says what to do about what is wrong.

use super::FAILED;
use crate::{
    config::{Config, Database, Environment},
    installation::{Store, told},
    telemetry,
    terminal::say,
};
use domain::view::{CheckView, StepState};
use engine::{Engine, Readiness};
use std::path::Path;

/// Counts what is wrong while it is told.
#[derive(Default)]
struct Findings {
    faults: u32,
}

impl Findings {
    fn good(&self, text: impl std::fmt::Display) {
        say(format!("  ok    {text}"));
    }

    fn note(&self, text: impl std::fmt::Display) {
        say(format!("  note  {text}"));
    }

    fn bad(&mut self, text: impl std::fmt::Display) {
        self.faults += 1;
        say(format!("  bad   {text}"));
    }
}

pub(super) async fn doctor(environment: Environment) -> anyhow::Result<u8> {
    let mut findings = Findings::default();
    say("configuration");
    let config = match Config::read(&environment) {
        Ok(config) => config,
        Err(faults) => {
            faults.0.iter().for_each(|fault| findings.bad(format!("{}: {}", fault.name, fault.text)));
            return Ok(FAILED);
        }
    };
    telemetry::start("error");
    findings.good(format!("data folder {}, listening on {}", config.data_dir.display(), config.listen));
    config.warnings.iter().for_each(|warning| findings.note(warning));
    pages(&config.site_root, &mut findings);

    say("database");
    match Store::open(&config).await {
        Ok(store) => {
            database(&config, &store, &mut findings).await;
            store.close().await?;
        }
        Err(error) => findings.bad(format!("{error:#}")),
    }
    match findings.faults {
        0 => say("all is well"),
        1 => say("1 thing is wrong"),
        faults => say(format!("{faults} things are wrong")),
    }
    Ok(if findings.faults == 0 { 0 } else { FAILED })
}

fn pages(site_root: &Path, findings: &mut Findings) {
    let needed = ["pkg/concord.js", "pkg/concord.wasm", "pkg/concord.css"];
    let missing: Vec<&str> = needed.into_iter().filter(|file| !site_root.join(file).is_file()).collect();
    if missing.is_empty() {
        findings.good(format!("pages in {}", site_root.display()));
    } else {
        findings.bad(format!(
            "{} lacks {}; build the pages with `cargo xtask site --release`, or name their folder in CONCORD_SITE_ROOT",
            site_root.display(),
            missing.join(", ")
        ));
    }
}

async fn database(config: &Config, store: &Store, findings: &mut Findings) {
    let engine = match store.engine(config, &config.public_url(config.listen)).await {
        Ok(engine) => engine,
        Err(error) => return findings.bad(format!("{error:#}")),
    };
    findings.good(match config.database {
        Database::Private => "the private Postgres answers",
        Database::At(_) => "the database answers",
    });
    match engine.readiness().await {
        Ok(Readiness::Ready) => findings.good("schema and secret key fit"),
        Ok(Readiness::SchemaBehind) => {
            return findings.bad("the schema is older than this program; run `concord migrate`");
        }
        Ok(Readiness::OtherKey) => {
            let told = engine.check_key().await.map_err(told);
            return findings.bad(told.err().map_or_else(|| "another secret key".to_owned(), |error| error.to_string()));
        }
        Err(error) => return findings.bad(told(error)),
    }
    say("connections");
    if let Err(error) = connections(&engine, findings).await {
        findings.bad(format!("{error:#}"));
    }
}

/// Calls both services, as the test button does.
async fn connections(engine: &Engine, findings: &mut Findings) -> anyhow::Result<()> {
    let viewer = engine.command_line(None).await.map_err(told)?;
    let keyholder = viewer.keyholder().map_err(told)?;
    let connections = engine.connections(&viewer).await.map_err(told)?;
    if connections.is_empty() {
        findings.note("there is none yet");
    }
    for connection in connections {
        match engine.test_connection(&keyholder, &connection.id).await {
            Ok(check) if check.passed => findings.good(format!("{} answers as it should", connection.name)),
            Ok(check) => findings.bad(format!("{}: {}", connection.name, failed(&check))),
            Err(error) => findings.bad(format!("{}: {}", connection.name, told(error))),
        }
    }
    Ok(())
}

fn failed(check: &CheckView) -> String {
    let failed = check.steps.iter().filter(|step| step.state == StepState::Failed);
    failed.map(|step| format!("{}: {}", step.title, step.detail)).collect::<Vec<_>>().join("; ")
}
