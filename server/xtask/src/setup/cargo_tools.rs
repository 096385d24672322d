//! Programs from crates.io. Built without optimisation: they run for seconds, but would be built for half an hour.

use crate::run;

const WASM_BINDGEN: &str = "0.2.130";
const CARGO_LEPTOS: &str = "0.3.11";
const NEXTEST: &str = "0.9.143";
const SQLX: &str = "0.9.0";

/// wasm-bindgen and its crate must agree to the patch, so another version counts as none.
pub(super) fn has_wasm_bindgen() -> bool {
    run::printed(run::command("wasm-bindgen").arg("--version")).is_some_and(|text| text.ends_with(WASM_BINDGEN))
}

pub(super) fn install_wasm_bindgen() -> anyhow::Result<()> {
    // Without --locked: its lock file names a crate version that a mirror of the index may lack.
    install("wasm-bindgen-cli", WASM_BINDGEN, &[])
}

pub(super) fn has_cargo_leptos() -> bool {
    run::printed(run::command("cargo-leptos").arg("--version")).is_some_and(|text| text.contains(CARGO_LEPTOS))
}

pub(super) fn install_cargo_leptos() -> anyhow::Result<()> {
    // One of its locked dependencies claims to need a newer compiler than ours, and builds with it all the same.
    install("cargo-leptos", CARGO_LEPTOS, &["--locked", "--ignore-rust-version"])
}

/// Any version will do: we only use its oldest options.
pub(super) fn has_nextest() -> bool {
    run::printed(run::command("cargo-nextest").args(["nextest", "--version"])).is_some()
}

pub(super) fn install_nextest() -> anyhow::Result<()> {
    install("cargo-nextest", NEXTEST, &["--locked"])
}

pub(super) fn has_sqlx() -> bool {
    run::printed(run::command("cargo-sqlx").args(["sqlx", "--version"])).is_some_and(|text| text.ends_with(SQLX))
}

pub(super) fn install_sqlx() -> anyhow::Result<()> {
    install("sqlx-cli", SQLX, &["--no-default-features", "--features", "postgres,rustls"])
}

fn install(name: &str, version: &str, options: &[&str]) -> anyhow::Result<()> {
    let mut cargo = run::cargo(["install", name, "--version", version, "--debug", "--force"]);
    // Away from the workspace, whose flags are not for other people's programs.
    cargo.args(options).current_dir("/").env("CARGO_PROFILE_DEV_DEBUG", "0");
    run::must(&mut cargo)
}
