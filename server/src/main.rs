//! `concord`.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = server::cli::Arguments::parse();
    server::run(arguments.command)
}
