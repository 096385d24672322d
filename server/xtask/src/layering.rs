//! `cargo xtask layering`: the shape of the house, checked.
//!
//! Which crate may depend on which, what must never reach the browser, and which files may do what the others must
//! not. Each rule is a line in a table; the tests show that a breach of each is caught.

mod graph;
mod sources;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::run;

/// One breach, in words.
#[derive(Debug, PartialEq, Eq)]
struct Violation(String);

/// Prints what was checked; fails with all breaches together.
pub(crate) fn run() -> anyhow::Result<()> {
    let edges = graph::edges(&run::root())?;
    println!("layering: {} dependencies of our crates against the allowed directions", edges.len());
    let mut violations = graph::check_edges(&edges);

    let browser = browser_packages()?;
    println!("layering: {} packages of the browser build against {:?}", browser.len(), graph::NOT_IN_THE_BROWSER);
    violations.extend(graph::check_browser(&browser));

    let root = run::root();
    let files = rust_files(&root)?;
    for rule in &sources::RULES {
        println!("layering: {} files: {}", files.len(), rule.says);
    }
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let path = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().into_owned();
        violations.extend(sources::check(&path, &text));
    }
    if violations.is_empty() {
        println!("layering: no violation");
        return Ok(());
    }
    let lines: Vec<String> = violations.into_iter().map(|violation| format!("  {}", violation.0)).collect();
    anyhow::bail!("layering: {} violation(s)\n{}", lines.len(), lines.join("\n"))
}

/// The names of all packages that the browser half is built from.
fn browser_packages() -> anyhow::Result<Vec<String>> {
    let mut tree = run::cargo(["tree", "--package", "client", "--target", "wasm32-unknown-unknown"]);
    // Build scripts and macros run on the host, whatever they use.
    tree.args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe", "--format", "{p}"]);
    let text = run::printed(&mut tree).context("cargo tree of the browser build")?;
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    anyhow::ensure!(names.len() > 1, "cargo tree names no packages of the browser build");
    Ok(names)
}

/// Every Rust file of the workspace's own folders.
fn rust_files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.join("app"), root.join("server")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
