//! The world around the rules: sockets, time, latency, faults, counting, and the sending of webhooks.

mod clock;
mod control;
mod faults;
mod latency;
mod line;
mod sender;
mod server;
mod side;
mod stats;

use std::{io, sync::Arc};

use serde_json::{Value, json};

pub use faults::{Fault, FaultRule};
pub use side::SideHandle;
pub use stats::{Recorded, StatsView};

use crate::{
    chargify::Chargify,
    highlevel::HighLevel,
    options::{Options, Side},
    seed,
};

/// Both services, running.
#[derive(Debug)]
pub struct Sandbox {
    /// GoHighLevel.
    pub highlevel: SideHandle<HighLevel>,
    /// Chargify.
    pub chargify: SideHandle<Chargify>,
}

/// Starts both services and waits until they listen.
///
/// # Errors
/// When an address cannot be listened on.
pub async fn start(options: Options) -> io::Result<Sandbox> {
    // Somebody in the process may have installed the same provider already; either way there is one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let customers = options.customers.unwrap_or(options.contacts / 2);
    let mut people = seed::people(options.seed, options.contacts, customers);
    if options.clean {
        seed::clean(&mut people);
    }
    let highlevel = HighLevel::new(&options, &people);
    let chargify = Chargify::with_people(&options, &people);
    drop(people);
    let options = Arc::new(options);
    Ok(Sandbox {
        highlevel: side::open(Side::HighLevel, options.highlevel_addr, highlevel, &options).await?,
        chargify: side::open(Side::Chargify, options.chargify_addr, chargify, &options).await?,
    })
}

impl Sandbox {
    /// Stops both services and waits until nothing of them runs.
    pub async fn shutdown(self) {
        tokio::join!(self.highlevel.shutdown(), self.chargify.shutdown());
    }
}

/// What a client needs to connect, as one JSON object with a key per side.
pub fn ready_line(sandbox: &Sandbox) -> Value {
    json!({ "highlevel": sandbox.highlevel.ready(), "chargify": sandbox.chargify.ready() })
}
