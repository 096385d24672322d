//! Concord's chores. Each command stands in a file of its own; none of them is needed to run Concord.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod ci;
mod demo;
mod fuzz;
mod layering;
mod queries;
mod run;
mod setup;
mod sim;
mod site;
mod test;
mod test_postgres;
mod wasm_budget;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the Concord workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Find what is missing on this machine and install it; safe to run again.
    Setup,
    /// Build everything and start Concord with both services simulated on this machine.
    Demo {
        /// Passed on to `concord demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Run every test: Rust on a Postgres of its own, damaged messages, the layering, the simulation, the browser.
    Test,
    /// Everything that has to pass before a change is merged.
    Ci,
    /// Measure, for example `cargo xtask bench sync --contacts 2000 --latency 50ms`.
    Bench {
        /// Passed on to `concord-bench`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Play histories of bad days in virtual time, for example `cargo xtask sim --seeds 10000`, `--seed 7`, `--planted`.
    Sim {
        /// Passed on to `concord-sim`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Feed damaged answers and webhooks to Concord and look for a panic, a lost row, a webhook without an outcome.
    Fuzz {
        /// How long, all targets together.
        #[arg(long, default_value_t = fuzz::SECONDS)]
        seconds: u32,
    },
    /// Describe the SQL anew for builds without a database, after a change of a query or of the schema.
    Queries {
        /// Only fail when the descriptions are out of date.
        #[arg(long)]
        check: bool,
    },
    /// Check which crate may use what, and where SQL, environment and clock may appear.
    Layering,
    /// Print the size of everything the first page loads; fail above the budget.
    WasmBudget,
    /// Build the browser half into target/site.
    Site {
        /// Small and slow to build, as it is shipped.
        #[arg(long)]
        release: bool,
    },
}

fn main() -> ExitCode {
    match run_command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_command() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Setup => setup::run(setup::Scope::Everything),
        Command::Demo { rest } => demo::run(&rest),
        Command::Test => test::run(),
        Command::Ci => ci::run(),
        Command::Bench { rest } => bench::run(&rest),
        Command::Sim { rest } => sim::run(&rest),
        Command::Fuzz { seconds } => {
            fuzz::run(seconds).map(|closing| closing.iter().for_each(|line| println!("{line}")))
        }
        Command::Queries { check } => queries::run(if check { queries::Mode::Check } else { queries::Mode::Write }),
        Command::Layering => layering::run(),
        Command::WasmBudget => wasm_budget::run(),
        Command::Site { release } => site::run(site::Profile::of(release)),
    }
}
