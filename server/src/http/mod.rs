//! What the browser and the outside meet: pages, their files, webhooks, live events, downloads, health, and the rules
//! every request and answer keeps.

mod downloads;
mod events;
pub mod health;
pub mod logins;
mod oauth;
mod pages;
pub mod security;
mod visitor;
mod webhooks;

use axum::Router;
use engine::Engine;
use std::{net::SocketAddr, path::PathBuf};
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

/// What the router is made of.
#[derive(Clone)]
pub struct Site {
    /// Behind every use case.
    pub engine: Engine,
    /// How the outside reaches the server, without a slash at the end.
    pub public_url: String,
    /// The folder of the built pages.
    pub site_root: PathBuf,
    /// Where the server listens.
    pub address: SocketAddr,
    /// Cancelled when the server ends: endless answers end then.
    pub stop: CancellationToken,
}

/// Everything the server answers.
///
/// From outside to inside: number and span, headers, origin check, body limit ([`security::protect`]); a panic becomes
/// an answer; then, around what people see and not around webhooks and health, the browser's login and compression.
/// Events are not compressed: they would wait for a full block.
pub fn router(site: &Site) -> Router {
    let for_people = pages::routes(site)
        .merge(downloads::routes(site.engine.clone()))
        .merge(oauth::routes(site.engine.clone()))
        .layer(CompressionLayer::new())
        .merge(events::routes(site.engine.clone(), site.stop.clone()))
        .layer(logins::layer(site.engine.clone(), &site.public_url));
    let all = for_people
        .merge(webhooks::routes(site.engine.clone()))
        .merge(health::routes(site.engine.clone()))
        .layer(CatchPanicLayer::new());
    security::protect(all, &site.public_url)
}
