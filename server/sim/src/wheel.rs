//! Virtual time: it stands still while anything can run, and leaps to the next timer when nothing can. An hour of waiting
//! costs nothing, and timers go off in one order, whatever the machine is doing.
//!
//! One thread, and tokio's own scheduler: before it would put the thread to sleep it asks here, and is given the next
//! timer's task instead.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// The timers of one world.
#[derive(Debug, Default)]
pub struct Wheel {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    now: Duration,
    /// By when, then by who asked first.
    timers: BTreeMap<(Duration, u64), Waker>,
    next: u64,
    stuck: bool,
    /// Whom to tell that nothing will ever happen any more.
    watcher: Option<Waker>,
}

impl Wheel {
    /// Plays `play` in virtual time, on this thread. `None`: everybody waits for somebody, and no timer is left.
    pub fn run<T, F>(play: impl FnOnce(Arc<Self>) -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let wheel = Arc::new(Self::default());
        let idle = Arc::clone(&wheel);
        let runtime = tokio::runtime::Builder::new_current_thread().on_thread_park(move || idle.turn()).build().ok()?;
        let playing = play(Arc::clone(&wheel));
        runtime.block_on(async {
            // As a task, so that a timer that wakes it leaves something to run.
            let playing = Box::pin(tokio::spawn(playing));
            let stuck = tokio::spawn(Stuck { wheel: Arc::clone(&wheel) });
            match futures::future::select(playing, stuck).await {
                futures::future::Either::Left((played, _)) => played.ok(),
                futures::future::Either::Right(_) => None,
            }
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.state().now
    }

    /// Resolves so much later.
    pub fn sleep(self: &Arc<Self>, duration: Duration) -> Sleep {
        let until = self.elapsed().saturating_add(duration);
        Sleep { wheel: Arc::clone(self), until, place: None }
    }

    /// Nothing can run: on to the next timer.
    fn turn(&self) {
        let mut state = self.state();
        let mut due = Vec::new();
        match state.timers.first_key_value().map(|((until, _), _)| *until) {
            None => {
                state.stuck = true;
                due.extend(state.watcher.take());
            }
            Some(until) => {
                state.now = until;
                while let Some(first) = state.timers.first_entry().filter(|first| first.key().0 == until) {
                    due.push(first.remove());
                }
            }
        }
        drop(state);
        for waker in due {
            waker.wake();
        }
    }
}

/// A timer.
#[derive(Debug)]
pub struct Sleep {
    wheel: Arc<Wheel>,
    until: Duration,
    place: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let wheel = Arc::clone(&self.wheel);
        let mut state = wheel.state();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        let place = *self.place.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        state.timers.insert((self.until, place), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.wheel.state().timers.remove(&(self.until, place));
        }
    }
}

/// Resolves when nothing will ever happen any more.
struct Stuck {
    wheel: Arc<Wheel>,
}

impl Future for Stuck {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.wheel.state();
        if state.stuck {
            return Poll::Ready(());
        }
        state.watcher = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::Wheel;
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    #[test]
    fn timers_go_off_in_order_and_take_no_time() {
        let seen = Wheel::run(|wheel| async move {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let mut tasks = Vec::new();
            for hours in [3, 1, 2, 1] {
                let (wheel, seen) = (Arc::clone(&wheel), Arc::clone(&seen));
                tasks.push(tokio::spawn(async move {
                    wheel.sleep(Duration::from_secs(hours * 3_600)).await;
                    seen.lock().unwrap().push((hours, wheel.elapsed()));
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            Arc::into_inner(seen).unwrap().into_inner().unwrap()
        });
        let hour = Duration::from_secs(3_600);
        assert_eq!(seen, Some(vec![(1, hour), (1, hour), (2, hour * 2), (3, hour * 3)]));
    }

    #[test]
    fn a_timer_nobody_waits_for_any_more_does_not_move_time() {
        let elapsed = Wheel::run(|wheel| async move {
            let long = Box::pin(wheel.sleep(Duration::from_secs(60)));
            let short = Box::pin(wheel.sleep(Duration::from_secs(1)));
            drop(futures::future::select(long, short).await);
            wheel.sleep(Duration::from_secs(1)).await;
            wheel.elapsed()
        });
        assert_eq!(elapsed, Some(Duration::from_secs(2)));
    }

    #[test]
    fn waiting_for_what_never_comes_is_noticed() {
        assert_eq!(Wheel::run(|_| std::future::pending::<()>()), None);
    }
}
