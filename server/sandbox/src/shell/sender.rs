//! Sends webhooks when they are due and reports what became of them.

use std::{sync::Arc, time::Duration};

use super::side::Running;
use crate::{service::Service, webhook::Outgoing};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long to sleep when nothing is due; whoever queues something wakes the sender.
const IDLE: Duration = Duration::from_secs(3_600);

pub(super) async fn run<S: Service>(running: Arc<Running<S>>) {
    let direct = reqwest::redirect::Policy::none();
    let client = match reqwest::Client::builder().timeout(TIMEOUT).redirect(direct).no_proxy().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "the sandbox cannot send webhooks");
            return;
        }
    };
    loop {
        let now = running.clock.now();
        let (due, next) = {
            let mut rules = running.rules();
            (rules.due_webhooks(now), rules.next_due())
        };
        for outgoing in due {
            running.tasks.spawn(send(Arc::clone(&running), client.clone(), outgoing));
        }
        let wait = next.map_or(IDLE, |next| Duration::try_from(next - now).unwrap_or(Duration::ZERO));
        tokio::select! {
            () = running.stop.cancelled() => return,
            () = running.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn send<S: Service>(running: Arc<Running<S>>, client: reqwest::Client, outgoing: Outgoing) {
    let mut request = client.post(&outgoing.url).body(outgoing.body);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    running.world().stats.view.webhooks_sent += 1;
    let Some(answer) = running.stop.run_until_cancelled(request.send()).await else { return };
    let status = match answer {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            tracing::debug!(%error, event = outgoing.event, attempt = outgoing.attempt, "nobody took the webhook");
            None
        }
    };
    let settled = running.rules().webhook_result(outgoing.delivery, status, running.clock.now());
    running.world().stats.webhook(settled);
    running.wake.notify_one();
}
