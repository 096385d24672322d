//! The clients against scripted answers: what they send, how they read, what refusals mean.

mod chargify;
mod chargify_refusals;
mod highlevel;
mod highlevel_refusals;
mod pace;
pub(crate) mod script;
