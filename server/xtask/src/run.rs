//! Running other programs: from the workspace root, with our own tools in the path, under one toolchain.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Set when `setup` had to change the compiler under way; from then on children use that one.
static TOOLCHAIN: OnceLock<&'static str> = OnceLock::new();

/// From here on children are built with this rustup toolchain.
pub(crate) fn use_toolchain(name: &'static str) {
    TOOLCHAIN.get_or_init(|| name);
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// `target`, wherever cargo puts it.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Programs that setup keeps to itself instead of installing them for the whole machine.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// A command in the workspace root.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = [tools().join("node_modules/.bin")];
    if let Ok(path) = std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&path))) {
        command.env("PATH", path);
    }
    if let Some(toolchain) = TOOLCHAIN.get() {
        command.env("RUSTUP_TOOLCHAIN", toolchain).env_remove("CARGO").env_remove("RUSTC");
    }
    command
}

/// `cargo` with arguments.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut cargo = command("cargo");
    cargo.args(arguments);
    cargo
}

/// Runs in the terminal; a failure names the command.
pub(crate) fn must(command: &mut Command) -> anyhow::Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("starting {}", shown(command)))?;
    anyhow::ensure!(status.success(), "{} failed ({status})", shown(command));
    Ok(())
}

/// Like [`must`], and gives back those lines of its output that `keep` wants, for the summary at the end.
pub(crate) fn must_keeping(command: &mut Command, keep: fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
    println!("$ {}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", shown(command)))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut kept = std::thread::scope(|scope| {
        let other = scope.spawn(|| err.map_or_else(Vec::new, |err| relay(err, keep)));
        let mut kept = out.map_or_else(Vec::new, |out| relay(out, keep));
        kept.extend(other.join().unwrap_or_default());
        kept
    });
    let status = child.wait()?;
    if !status.success() {
        kept.iter_mut().for_each(|line| *line = line.trim().to_owned());
        anyhow::bail!("{} failed ({status}): {}", shown(command), kept.join(" / "));
    }
    Ok(kept)
}

fn relay(stream: impl Read, keep: fn(&str) -> bool) -> Vec<String> {
    let mut kept = Vec::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if keep(&line) {
            kept.push(line.trim().to_owned());
        }
    }
    kept
}

/// What a program prints, if it is there and succeeds.
pub(crate) fn printed(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs with a time limit; false when it failed or had to be ended.
pub(crate) fn succeeds_within(command: &mut Command, limit: Duration) -> anyhow::Result<bool> {
    println!("$ {}", shown(command));
    let mut child = command.stdin(Stdio::null()).spawn().with_context(|| format!("starting {}", shown(command)))?;
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("  not done within {} s, ended", limit.as_secs());
    child.kill()?;
    child.wait()?;
    Ok(false)
}

/// Whether a program of this name can be started.
pub(crate) fn is_there(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = tools().join("node_modules/.bin");
    std::iter::once(ours).chain(std::env::split_paths(&path)).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
