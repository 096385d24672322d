//! `cargo xtask wasm-budget`: what the first page loads, and whether that is too much.

use std::io::Write as _;

use anyhow::Context as _;

use crate::{run, site};

/// Bytes of brotli for wasm, script and style together.
const BUDGET: usize = 250_000;

/// Builds as shipped, weighs, and fails above the budget.
pub(crate) fn run() -> anyhow::Result<()> {
    site::run(site::Profile::Release)?;
    let package = run::root().join("target/site/pkg");
    let (mut raw, mut packed) = (0, 0);
    println!("{:<16}{:>12}{:>12}", "file", "raw", "brotli 11");
    for name in site::LOADED {
        let bytes = std::fs::read(package.join(name)).with_context(|| format!("reading {name}"))?;
        let small = brotli_size(&bytes)?;
        println!("{name:<16}{:>12}{small:>12}", bytes.len());
        raw += bytes.len();
        packed += small;
    }
    println!("{:<16}{raw:>12}{packed:>12}", "together");
    println!("budget: {packed} of {BUDGET} bytes ({} %)", packed * 100 / BUDGET);
    anyhow::ensure!(packed <= BUDGET, "the first page loads {} bytes too many", packed - BUDGET);
    Ok(())
}

fn brotli_size(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 11, 22);
    writer.write_all(bytes)?;
    writer.flush()?;
    Ok(writer.into_inner().len())
}
