//! Pages.

use time::OffsetDateTime;

use super::Chargify;
use crate::{
    request::{Reply, Request},
    service::ShellState,
};

impl Chargify {
    pub(super) fn show_console(&mut self, _request: &Request, _state: &ShellState, _now: OffsetDateTime) -> Reply {
        Reply::empty(404)
    }
}
