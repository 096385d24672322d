//! The engine on a real Postgres, through its public use cases.

mod accounts;
mod audit;
mod setting;
mod vault;
