//! The clients against scripted answers (what they send, how they read, what refusals mean) and against the sandboxes.

mod anything;
mod chargify;
mod chargify_refusals;
mod highlevel;
mod highlevel_refusals;
mod over_http;
mod pace;
pub(crate) mod script;
