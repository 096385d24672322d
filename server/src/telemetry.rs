//! Logging: to standard error, so that standard output stays a command's own.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging. Words of the filter that cannot be read are left out. A second call changes nothing.
pub(crate) fn start(filter: &str) {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .finish();
    // Somebody in the process (a test) may have started it before.
    drop(tracing::subscriber::set_global_default(subscriber));
}
