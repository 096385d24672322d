//! Handles on the store: each stands for a process and its connections, and can end as a process does.

use super::{
    data::{Data, kept},
    session::{Session, Turn},
};
use async_trait::async_trait;
use engine::{
    Clock, EngineError, Result, Store,
    store::{Notice, Notices, Presence, Tables, Unit},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

/// What happens around every operation of a process: it may take time, fail, or never return.
#[async_trait]
pub trait Hook: Send + Sync {
    /// Before anything happens. An error is what the operation ends with, and nothing is done.
    ///
    /// # Errors
    /// Whatever a simulation wants the operation to fail with.
    async fn before(&self, operation: &'static str) -> Result<()>;

    /// After it was done, before the caller knows. An error is an answer that was lost.
    ///
    /// # Errors
    /// As [`Hook::before`].
    async fn after(&self, operation: &'static str) -> Result<()> {
        let _nothing_more = operation;
        Ok(())
    }
}

/// Everything Concord would keep in Postgres, in this process's memory. Durations and `now` are measured by the given
/// clock, as the database's own clock measures them on Postgres. A clone is the same process's.
#[derive(Clone)]
pub struct MemoryStore {
    pub(super) shared: Arc<Shared>,
    process: Arc<Process>,
}

/// What all processes share.
pub(super) struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Whose turn it is to do something.
    turn: Semaphore,
    next_number: AtomicU64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) data: Data,
    /// The unit of work under way, and its process.
    owner: Option<(u64, u64)>,
    /// Told when the unit under way commits.
    pub(super) said: Vec<Notice>,
    listeners: Vec<(u64, mpsc::UnboundedSender<Notice>)>,
    /// Locks of nodes, and whose they are.
    pub(super) locks: BTreeMap<i64, u64>,
}

struct Process {
    number: u64,
    is_over: AtomicBool,
    hook: Option<Arc<dyn Hook>>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("process", &self.process.number).finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// An empty store, as its first process sees it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shared = Shared { clock, state: Mutex::default(), turn: Semaphore::new(1), next_number: AtomicU64::new(1) };
        Self { shared: Arc::new(shared), process: Arc::new(Process { number: 0, is_over: false.into(), hook: None }) }
    }

    /// The same store, as another process sees it.
    #[must_use]
    pub fn process(&self, hook: Option<Arc<dyn Hook>>) -> Self {
        let process = Process { number: self.shared.draw(), is_over: false.into(), hook };
        Self { shared: Arc::clone(&self.shared), process: Arc::new(process) }
    }

    /// Ends the process: its unit of work is rolled back, its locks are free, and no operation of it ever returns.
    pub fn end(&self) {
        self.process.is_over.store(true, Ordering::Release);
        let number = self.process.number;
        let mut state = self.shared.state();
        state.listeners.retain(|(process, _)| *process != number);
        state.locks.retain(|_, process| *process != number);
        if let Some((unit, process)) = state.owner
            && process == number
        {
            self.shared.give_up_turn(&mut state, unit, false);
        }
    }

    /// Looks at everything that was committed. `None` while a unit of work is under way.
    pub fn read<T>(&self, look: impl FnOnce(&Data) -> T) -> Option<T> {
        let state = self.shared.state();
        state.owner.is_none().then(|| look(&state.data))
    }

    /// What time the store's own clock shows.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        kept(self.shared.clock.now())
    }

    /// Returns while the process lives, never afterwards.
    pub(super) async fn go_on(&self) {
        if self.process.is_over.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    }

    pub(super) async fn before(&self, operation: &'static str) -> Result<()> {
        if let Some(hook) = &self.process.hook {
            hook.before(operation).await?;
        }
        self.go_on().await;
        Ok(())
    }

    pub(super) async fn after(&self, operation: &'static str) -> Result<()> {
        if let Some(hook) = &self.process.hook {
            hook.after(operation).await?;
        }
        self.go_on().await;
        Ok(())
    }

    /// Waits until nobody else is at work.
    pub(super) async fn take_turn(&self) -> Result<Turn> {
        let permit = self.shared.turn.acquire().await.map_err(|_closed| EngineError::Bug("the store is gone"))?;
        if self.process.is_over.load(Ordering::Acquire) {
            drop(permit);
            std::future::pending::<()>().await;
            return Err(EngineError::Bug("the dead do nothing"));
        }
        permit.forget();
        let unit = self.shared.draw();
        self.shared.state().owner = Some((unit, self.process.number));
        Ok(Turn { shared: Arc::clone(&self.shared), unit, now: self.now() })
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends the unit of work, unless it was ended for its process before.
    pub(super) fn give_up_turn(&self, state: &mut State, unit: u64, is_done: bool) {
        if !state.is_turn_of(unit) {
            return;
        }
        state.owner = None;
        let mut said = std::mem::take(&mut state.said);
        if is_done || engine::planted!(TornCommit) {
            state.data.commit();
            // As Postgres does, what a unit says twice is told once.
            let mut told: Vec<Notice> = Vec::new();
            for notice in said.drain(..) {
                if !told.contains(&notice) {
                    told.push(notice);
                    state.listeners.retain(|(_, listener)| listener.send(notice).is_ok());
                }
            }
        } else {
            state.data.roll_back();
        }
        self.turn.add_permits(1);
    }
}

impl State {
    pub(super) fn is_turn_of(&self, unit: u64) -> bool {
        self.owner.is_some_and(|(owner, _)| owner == unit)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn session(&self) -> Result<Box<dyn Tables>> {
        self.go_on().await;
        Ok(Box::new(Session::new(self.clone(), None)))
    }

    async fn begin(&self) -> Result<Box<dyn Unit>> {
        self.before("begin").await?;
        let turn = self.take_turn().await?;
        Ok(Box::new(Session::new(self.clone(), Some(turn))))
    }

    async fn join(&self, node_id: Uuid, lock_key: i64) -> Result<Box<dyn Presence>> {
        self.before("join").await?;
        let turn = self.take_turn().await?;
        {
            let mut state = self.shared.state();
            if state.locks.contains_key(&lock_key) {
                return Err(EngineError::Bug("another session holds this node's lock"));
            }
            state.locks.insert(lock_key, self.process.number);
            state.data.nodes.insert(node_id, lock_key);
        }
        turn.commit();
        self.after("join").await?;
        Ok(Box::new(HeldLock { shared: Arc::clone(&self.shared), lock_key, process: self.process.number }))
    }

    async fn notices(&self) -> Result<Box<dyn Notices>> {
        self.before("notices").await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.state().listeners.push((self.process.number, sender));
        Ok(Box::new(Ears(receiver)))
    }
}

/// A node's lock. Its process may have ended before.
struct HeldLock {
    shared: Arc<Shared>,
    lock_key: i64,
    process: u64,
}

#[async_trait]
impl Presence for HeldLock {
    async fn lost(&mut self) {
        std::future::pending().await
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.locks.get(&self.lock_key) == Some(&self.process) {
            state.locks.remove(&self.lock_key);
        }
    }
}

struct Ears(mpsc::UnboundedReceiver<Notice>);

#[async_trait]
impl Notices for Ears {
    async fn next(&mut self) -> Result<Notice> {
        match self.0.recv().await {
            Some(notice) => Ok(notice),
            // The process has ended.
            None => std::future::pending().await,
        }
    }
}
