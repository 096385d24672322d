//! One way to the tables: alone, every operation is a unit of work; with a turn, all of them together are one.

use super::{
    data::Data,
    memory::{MemoryStore, Shared},
};
use async_trait::async_trait;
use engine::{
    EngineError, Result,
    store::{Notice, Savepoints, Unit},
};
use std::{collections::BTreeMap, sync::Arc};
use time::OffsetDateTime;

/// The right to change things. Dropped, what was done is taken back.
pub(super) struct Turn {
    pub(super) shared: Arc<Shared>,
    pub(super) unit: u64,
    /// As everything of one unit sees it.
    pub(super) now: OffsetDateTime,
}

impl Turn {
    pub(super) fn commit(self) {
        self.shared.give_up_turn(&mut self.shared.state(), self.unit, true);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.give_up_turn(&mut self.shared.state(), self.unit, false);
    }
}

/// What an operation works with.
pub(super) struct Work<'a> {
    pub(super) data: &'a mut Data,
    pub(super) now: OffsetDateTime,
    said: &'a mut Vec<Notice>,
    locks: &'a BTreeMap<i64, u64>,
}

impl Work<'_> {
    /// Tells those who listen, on commit.
    pub(super) fn say(&mut self, notice: Notice) {
        self.said.push(notice);
    }

    pub(super) fn is_locked(&self, lock_key: i64) -> bool {
        self.locks.contains_key(&lock_key)
    }
}

pub(super) struct Session {
    store: MemoryStore,
    turn: Option<Turn>,
    /// An operation of the unit failed: as on Postgres, nothing more is done in it, and nothing of it is kept.
    is_failed: bool,
}

impl Session {
    pub(super) fn new(store: MemoryStore, turn: Option<Turn>) -> Self {
        Self { store, turn, is_failed: false }
    }

    /// Does one operation.
    pub(super) async fn act<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&mut Work<'_>) -> Result<T> + Send,
    ) -> Result<T>
    where
        T: Send,
    {
        self.store.before(operation).await?;
        let done = match &self.turn {
            Some(_) if self.is_failed => return Err(EngineError::Bug("this unit of work has failed")),
            Some(turn) => {
                let done = self.work(turn, work).await;
                self.is_failed = done.is_err();
                done?
            }
            None => {
                let turn = self.store.take_turn().await?;
                let done = self.work(&turn, work).await?;
                turn.commit();
                done
            }
        };
        self.store.after(operation).await?;
        Ok(done)
    }

    async fn work<T>(&self, turn: &Turn, work: impl FnOnce(&mut Work<'_>) -> Result<T> + Send) -> Result<T> {
        if !turn.shared.state().is_turn_of(turn.unit) {
            // The process was ended, and its unit of work with it.
            std::future::pending::<()>().await;
        }
        let mut state = turn.shared.state();
        let state = &mut *state;
        work(&mut Work { data: &mut state.data, now: turn.now, said: &mut state.said, locks: &state.locks })
    }
}

#[async_trait]
impl Unit for Session {
    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.store.before("commit").await?;
        if let Some(turn) = self.turn.take().filter(|_| !self.is_failed) {
            turn.commit();
        }
        self.store.after("commit").await
    }
}

#[async_trait]
impl Savepoints for Session {
    async fn set_savepoint(&mut self) -> Result<()> {
        if self.turn.is_none() {
            return Err(EngineError::Bug("there is nothing to go back to outside a unit of work"));
        }
        self.act("set_savepoint", |work| {
            work.data.mark();
            Ok(())
        })
        .await
    }

    async fn roll_back_to_savepoint(&mut self) -> Result<()> {
        self.is_failed = false;
        self.act("roll_back_to_savepoint", |work| {
            work.data.roll_back_to_mark();
            Ok(())
        })
        .await
    }
}
