//! `concord-bench`: measures the product against the least anybody could do on the same machine in the same minute.
//!
//! Nothing here is part of the product. Absolute speeds mean little on a shared machine, so every figure is a ratio of
//! two measurements of one run, or an exact count.

mod calibrator;
mod installation;
mod process;
mod product;
mod report;
mod simulation;
mod sync;

use clap::{Parser, Subcommand};
use std::{io::Write as _, process::ExitCode};

/// Measures Concord.
#[derive(Debug, Parser)]
#[command(name = "concord-bench", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A first sync of many contacts into an empty Chargify, against a bare loop making the same calls
    ///
    /// Prints a table and one JSON line; exits with 1 when a bound is missed. Uses a Postgres of its own with every
    /// commit on disk, and the simulated services in processes of their own.
    Sync(sync::SyncArguments),
    /// Serve the simulated services until standard input ends
    #[command(hide = true)]
    ServeSandbox(simulation::ServeArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    drop(rustls::crypto::ring::default_provider().install_default());
    let warnings =
        tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).with_ansi(false).finish();
    drop(tracing::subscriber::set_global_default(warnings));
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(arguments.command)));
    match done {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sync(arguments) => {
            let figures = sync::measure(&arguments).await?;
            say(report::table(&figures));
            say(report::json(&figures).to_string());
            Ok(if report::missed(&figures).is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::ServeSandbox(arguments) => simulation::serve(arguments).await.map(|()| ExitCode::SUCCESS),
    }
}

/// One line, or several, on standard output.
fn say(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", text.as_ref()));
    drop(out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
