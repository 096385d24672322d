//! The commands, each in a file of its own.

mod audit;
mod configuration;
mod deletions;
mod demo;
mod doctor;
mod keys;
mod migrate;
mod people;
mod runs;
mod sandbox;
mod serve;
mod status;
mod webhooks;

use crate::{
    cli::{AuditCommand, Command, KeysCommand, UserCommand},
    config::{Config, Environment},
    installation::Store,
    telemetry,
};
use engine::{Engine, Viewer};
use std::process::ExitCode;

/// Something is wrong, and has been said.
pub(crate) const FAILED: u8 = 1;

/// Carries a command out, in a runtime of its own.
#[must_use]
pub fn run(command: Command) -> ExitCode {
    // Two TLS stacks could be in the process; this one is meant, whoever else installed it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(command, Environment::of_process())));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error);
            ExitCode::from(FAILED)
        }
    }
}

async fn dispatch(command: Command, environment: Environment) -> anyhow::Result<u8> {
    match command {
        Command::Serve(arguments) => serve::serve(arguments, environment).await,
        Command::Demo(arguments) => demo::demo(arguments, environment).await,
        Command::Apply(arguments) => configuration::apply(arguments, environment).await,
        Command::Export(arguments) => configuration::export(arguments, environment).await,
        Command::Run(arguments) => runs::run(arguments, environment).await,
        Command::Status(arguments) => status::status(arguments, environment).await,
        Command::Deletions(command) => deletions::deletions(command, environment).await,
        Command::Webhooks(command) => webhooks::webhooks(command, environment).await,
        Command::Audit(AuditCommand::Verify(arguments)) => audit::verify(arguments, environment).await,
        Command::Audit(AuditCommand::Export(arguments)) => audit::export(arguments, environment).await,
        Command::User(UserCommand::Add(arguments)) => people::add(arguments, environment).await,
        Command::Keys(KeysCommand::Rotate) => keys::rotate(environment).await,
        Command::Sandbox(arguments) => sandbox::sandbox(arguments).await,
        Command::Doctor => doctor::doctor(environment).await,
        Command::Migrate => migrate::migrate(environment).await,
    }
}

/// The error and its causes, each once.
fn complain(error: &anyhow::Error) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "error: {error:#}"));
}

/// A command that does its work and ends: quiet unless something is amiss.
struct Errand {
    config: Config,
    store: Store,
    engine: Engine,
    viewer: Viewer,
}

impl Errand {
    /// Opens the installation on behalf of whoever runs the command.
    async fn begin(environment: &Environment, workspace: Option<&str>) -> anyhow::Result<Self> {
        let config = Config::read(environment)?;
        telemetry::start(if config.log_filter == "info" { "warn" } else { &config.log_filter });
        let store = Store::open(&config).await?;
        let public_url = config.public_url(config.listen);
        let engine = store.ready_engine(&config, &public_url).await?;
        let viewer = engine.command_line(workspace).await.map_err(crate::installation::told)?;
        Ok(Self { config, store, engine, viewer })
    }

    async fn end(self) -> anyhow::Result<()> {
        let Self { store, engine, .. } = self;
        drop(engine);
        store.close().await
    }
}
