//! `cargo xtask setup`: finds what is missing and installs it, saying what it does and how long that takes.

mod cargo_tools;
mod debian;
mod node;
mod wasm_target;

use std::time::Instant;

use anyhow::Context as _;

use crate::run;

/// How much of the tools a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Build and run.
    Demo,
    /// And test.
    Everything,
}

/// One thing that has to be there.
struct Tool {
    name: &'static str,
    /// What installing does, and about how long it takes on two cores.
    how: &'static str,
    is_there: fn() -> bool,
    install: fn() -> anyhow::Result<()>,
}

const FOR_THE_DEMO: [Tool; 6] = [
    Tool {
        name: "wasm32-unknown-unknown",
        how: "rustup target add (half a minute), else Debian's compiler and its library source (2 min)",
        is_there: wasm_target::is_there,
        install: wasm_target::install,
    },
    Tool {
        name: "PostgreSQL server programs",
        how: "apt-get install postgresql (1 min)",
        is_there: debian::has_postgres,
        install: || debian::install(&["postgresql"]),
    },
    Tool {
        name: "wasm-bindgen-cli 0.2.130",
        how: "cargo install (2 min)",
        is_there: cargo_tools::has_wasm_bindgen,
        install: cargo_tools::install_wasm_bindgen,
    },
    Tool {
        name: "cargo-leptos 0.3.11",
        how: "cargo install (7 min)",
        is_there: cargo_tools::has_cargo_leptos,
        install: cargo_tools::install_cargo_leptos,
    },
    Tool {
        name: "node and npm",
        how: "apt-get install nodejs npm (1 min)",
        is_there: || run::is_there("node") && run::is_there("npm"),
        install: || debian::install(&["nodejs", "npm"]),
    },
    Tool {
        name: "wasm-opt",
        how: "npm install binaryen into target/tools (5 s)",
        is_there: || run::is_there("wasm-opt"),
        install: node::install_wasm_opt,
    },
];

const FOR_TESTS: [Tool; 3] = [
    Tool {
        name: "cargo-nextest",
        how: "cargo install (6 min)",
        is_there: cargo_tools::has_nextest,
        install: cargo_tools::install_nextest,
    },
    Tool {
        name: "Chromium",
        how: "apt-get install chromium (1 min)",
        is_there: || node::chromium().is_some(),
        install: || debian::install(&["chromium"]),
    },
    Tool {
        name: "node packages of end2end",
        how: "npm ci in end2end (10 s)",
        is_there: node::has_packages,
        install: node::install_packages,
    },
];

/// Only `ci` needs it, so that it is installed then.
const FOR_SQL_CHECKS: Tool = Tool {
    name: "sqlx-cli 0.9.0",
    how: "cargo install (1 min)",
    is_there: cargo_tools::has_sqlx,
    install: cargo_tools::install_sqlx,
};

/// Puts everything in place that `scope` needs. Quick when nothing is missing.
pub(crate) fn run(scope: Scope) -> anyhow::Result<()> {
    let began = Instant::now();
    let more: &[Tool] = if scope == Scope::Everything { &FOR_TESTS } else { &[] };
    for tool in FOR_THE_DEMO.iter().chain(more) {
        ensure(tool)?;
    }
    println!("setup: everything is there ({:.1} s)", began.elapsed().as_secs_f64());
    Ok(())
}

/// The programs for `cargo sqlx prepare --check`.
pub(crate) fn for_sql_checks() -> anyhow::Result<()> {
    ensure(&FOR_SQL_CHECKS)
}

pub(crate) use node::chromium;

fn ensure(tool: &Tool) -> anyhow::Result<()> {
    let began = Instant::now();
    if (tool.is_there)() {
        println!("setup: {:<28} there", tool.name);
        return Ok(());
    }
    println!("setup: {:<28} missing: {}", tool.name, tool.how);
    (tool.install)().with_context(|| format!("installing {}", tool.name))?;
    anyhow::ensure!((tool.is_there)(), "{} was installed but still cannot be found", tool.name);
    println!("setup: {:<28} done in {:.0} s", tool.name, began.elapsed().as_secs_f64());
    Ok(())
}
