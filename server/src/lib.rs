//! The server half of the `concord` binary.

pub mod config;
pub mod http;
pub mod postgres;
