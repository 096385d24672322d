//! The standard library for wasm: from rustup, or built from the source that Debian ships with its compiler.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::debian;
use crate::run;

const TARGET: &str = "wasm32-unknown-unknown";

/// Where only package registries can be reached, the download hangs instead of failing.
const PATIENCE: Duration = Duration::from_secs(120);

/// Debian's compiler of the day, made for its browsers.
const DEBIAN_PACKAGES: [&str; 6] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "rustfmt-web", "lld-22"];

pub(super) fn is_there() -> bool {
    let libraries = run::printed(run::command("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    libraries.is_some_and(|dir| has_library(Path::new(&dir), "libstd-"))
}

pub(super) fn install() -> anyhow::Result<()> {
    let mut rustup = run::command("rustup");
    rustup.args(["target", "add", TARGET]);
    if run::is_there("rustup") && run::succeeds_within(&mut rustup, PATIENCE)? && is_there() {
        return Ok(());
    }
    println!("  rustup cannot give it; taking Debian's compiler and building the library from its source");
    anyhow::ensure!(
        debian::is_debian(),
        "rustup could not download {TARGET}, and the other way needs Debian; check the network and run this again"
    );
    if !Path::new("/usr/bin/rustc").exists() || !has_source() {
        debian::install(&DEBIAN_PACKAGES)?;
    }
    let sysroot = run::printed(run::command("/usr/bin/rustc").args(["--print", "sysroot"]))
        .map(PathBuf::from)
        .context("asking Debian's compiler for its folder")?;
    build_library(&sysroot)?;
    // One compiler for both halves, or everything would be compiled twice.
    run::must(run::command("rustup").args(["toolchain", "link", "debian", "/usr"]))?;
    run::must(run::command("rustup").args(["override", "set", "debian"]))?;
    run::use_toolchain("debian");
    // cargo does not notice that the library it built against is another one now.
    let old = run::target().join("front");
    if old.exists() {
        std::fs::remove_dir_all(&old).with_context(|| format!("removing {}", old.display()))?;
    }
    Ok(())
}

fn has_source() -> bool {
    run::printed(run::command("/usr/bin/rustc").args(["--print", "sysroot"]))
        .is_some_and(|sysroot| Path::new(&sysroot).join("lib/rustlib/src/rust/library").exists())
}

/// Builds an empty crate together with the standard library, and keeps the latter.
fn build_library(sysroot: &Path) -> anyhow::Result<()> {
    let into = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    if has_library(&into, "libstd-") {
        return Ok(());
    }
    let empty = std::env::temp_dir().join(format!("concord-wasm-std-{}", std::process::id()));
    std::fs::create_dir_all(empty.join("src"))?;
    std::fs::write(empty.join("src/lib.rs"), "")?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n";
    std::fs::write(empty.join("Cargo.toml"), manifest)?;
    let mut cargo = run::command("/usr/bin/cargo");
    cargo
        .args(["build", "--release", "-Zbuild-std=std,panic_abort,proc_macro", "--target", TARGET, "--target-dir"])
        .arg(empty.join("target"))
        .current_dir(&empty)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode every later build with link-time optimisation fails.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    run::must(&mut cargo)?;
    let built = empty.join("target").join(TARGET).join("release/deps");
    let linker = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
    let script = r#"set -e
        mkdir -p "$2" "$3"
        find "$1" -name '*.rlib' ! -name 'libempty-*' -exec cp {} "$2" \;
        ln -sf /usr/lib/llvm-22/bin/lld "$3/rust-lld""#;
    let mut copy = debian::as_root("cargo xtask setup")?;
    copy.args(["sh", "-c", script, "sh"]).args([&built, &into, &linker]);
    run::must(&mut copy)?;
    std::fs::remove_dir_all(&empty).with_context(|| format!("removing {}", empty.display()))
}

fn has_library(dir: &Path, name: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(name))
}
