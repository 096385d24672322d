//! When the process is asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM, SIGINT or SIGHUP. A second one ends the process at once, for whoever
/// does not want to wait.
///
/// # Errors
/// When the signals cannot be listened for.
pub(crate) fn on_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let told = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
            if told.is_cancelled() {
                tracing::warn!("asked to end a second time: ending at once");
                std::process::exit(130);
            }
            tracing::info!("asked to end: finishing what is in flight");
            told.cancel();
        }
    });
    Ok(token)
}
