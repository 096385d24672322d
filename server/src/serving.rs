//! The running server: the router on its address, and a worker beside it.

use crate::http::{self, Site};
use engine::{Engine, Worker};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long requests and jobs in flight may take to end. Leases and intents make it safe to cut off what takes longer.
const DRAIN: Duration = Duration::from_millis(4_500);

/// A server that answers. Dropping it leaves it running; end it with [`App::stop`].
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// How the outside reaches it, without a slash at the end.
    pub public_url: String,
    /// The engine behind it.
    pub engine: Engine,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
    worked: Option<JoinHandle<()>>,
}

/// What a server is made of.
pub struct Plan {
    /// Already bound, so that its address is known to whoever made the engine.
    pub listener: TcpListener,
    /// How the outside reaches it.
    pub public_url: String,
    /// Ready to work: schema and key have been looked at.
    pub engine: Engine,
    /// The folder of the built pages.
    pub site_root: PathBuf,
    /// Whether this process also works the queue.
    pub works: bool,
}

/// Starts to serve.
///
/// # Errors
/// When the listener has no address.
pub fn build(plan: Plan) -> std::io::Result<App> {
    let Plan { listener, public_url, engine, site_root, works } = plan;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let site = Site { engine: engine.clone(), public_url: public_url.clone(), site_root, address, stop: stop.clone() };
    let router = http::router(&site).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let served = tokio::spawn(async move { served.await });
    let worked = works.then(|| {
        let (worker, stop) = (Worker::new(engine.clone()), stop.clone());
        let watching = engine.clone();
        tokio::spawn(async move {
            // What is received, and what was not, is this server's business alone: no passing command keeps watch.
            tokio::select! {
                () = worker.run(stop) => {}
                () = watching.keep_watch() => {}
            }
        })
    });
    Ok(App { address, public_url, engine, stop, served, worked })
}

impl App {
    /// Takes no more requests and jobs, waits a few seconds for those in flight, and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        let (served, worked) = (self.served.abort_handle(), self.worked.as_ref().map(JoinHandle::abort_handle));
        let drained = async {
            let serving = async { drop(self.served.await) };
            let working = async {
                if let Some(worked) = self.worked {
                    drop(worked.await);
                }
            };
            tokio::join!(serving, working)
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("some work did not end in time; it is taken up again at the next start");
            served.abort();
            if let Some(worked) = worked {
                worked.abort();
            }
        }
    }
}
