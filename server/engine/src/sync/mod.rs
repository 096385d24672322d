//! Keeping both sides in agreement: read, plan, write, settle. A run does it for many records, [`reconcile`] for one;
//! both go through the same plan (`domain::plan`) and the same writer.

mod billing;
mod context;
mod copy;
mod decided;
mod echo;
mod engagements;
mod planning;
mod predict;
mod presence;
mod readers;
mod reading;
mod reconcile;
mod removing;
mod run;
mod settling;
mod trouble;
mod unknown;
mod writing;

pub(crate) use context::{Clients, SyncContext, names_own_field};
use copy::batch_of;
pub(crate) use copy::record_of;
pub(crate) use decided::{Decided, LONE_CUSTOMER};
pub(crate) use planning::{Circumstances, Planned};
pub(crate) use reading::Reader;
