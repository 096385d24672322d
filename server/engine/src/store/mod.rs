//! The only SQL. Functions take the caller's connection, so that a use case owns its transaction; they decide nothing.
//! Every list has a limit and a keyset; a `where` that carries a concurrency rule says so.

pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod connections;
pub(crate) mod deliveries;
pub(crate) mod intents;
pub(crate) mod items;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod logins;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod records;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod slots;
pub(crate) mod syncs;
pub(crate) mod workspaces;
