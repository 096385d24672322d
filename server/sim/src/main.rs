//! `concord-sim`: plays histories and says what broke. Started by `cargo xtask sim`.
#![expect(clippy::print_stdout, reason = "a command-line tool talks to its terminal")]

use clap::Parser;
use sim::{history, outcome, shrink, tally::Tally};
use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Plays histories of the whole engine in virtual time.
#[derive(Parser)]
#[command(name = "concord-sim")]
struct Arguments {
    /// How many histories
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// This seed only, told in full
    #[arg(long)]
    seed: Option<u64>,
    /// Histories at the same time
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Failures after which it ends
    #[arg(long, default_value_t = 5)]
    failures: u64,
    /// Do not make failing histories smaller
    #[arg(long)]
    no_shrink: bool,
    /// Plant one bug after the other and play until each is caught; wants a build with the feature of that name
    #[arg(long)]
    planted: bool,
    /// Let a node die at every step of some short histories, one after the other
    #[arg(long)]
    crash: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failed = match arguments.seed {
        _ if arguments.planted => hunt(&arguments),
        _ if arguments.crash => crash_everywhere(&arguments),
        Some(seed) => one(seed, &arguments),
        None => many(&arguments),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One seed, with its whole trace; true: something broke.
fn one(seed: u64, arguments: &Arguments) -> bool {
    let history = history::draw(seed);
    let outcome = outcome::play(&history, true);
    println!("{history}");
    for line in &outcome.lines {
        println!("{line}");
    }
    for line in &outcome.books {
        println!("    {line}");
    }
    println!("trace {}", outcome.hash);
    let again = outcome::play(&history, true);
    println!("replay {}{}", again.hash, if again.hash == outcome.hash { ", equal" } else { ", NOT EQUAL" });
    report(seed, &outcome, arguments);
    !outcome.violations.is_empty() || again.hash != outcome.hash
}

fn report(seed: u64, outcome: &outcome::Outcome, arguments: &Arguments) {
    for violation in &outcome.violations {
        println!("seed {seed} breaks: {violation}");
    }
    let Some(first) = outcome.violations.first() else { return };
    if arguments.no_shrink {
        return;
    }
    let (small, tries) = shrink::shrink(&history::draw(seed), first.name);
    let told = outcome::play(&small, true);
    println!("made smaller in {tries} tries:\n{small}");
    for line in &told.lines {
        println!("{line}");
    }
    for line in &told.books {
        println!("    {line}");
    }
    println!("trace {}; again: cargo xtask sim --seed {seed}", told.hash);
}

/// Every crash point of the short histories; true: something broke.
fn crash_everywhere(arguments: &Arguments) -> bool {
    let began = engine::SystemClock::new();
    let (points, failures) = (AtomicU64::new(0), AtomicU64::new(0));
    for course in 0..sim::crash::COURSES {
        let (next, end) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        std::thread::scope(|scope| {
            for _ in 0..arguments.threads {
                scope.spawn(|| {
                    loop {
                        let step = next.fetch_add(1, Ordering::Relaxed);
                        if step >= end.load(Ordering::Relaxed) {
                            return;
                        }
                        let Some(outcome) = sim::crash::die_at(course, step) else {
                            end.fetch_min(step, Ordering::Relaxed);
                            return;
                        };
                        points.fetch_add(1, Ordering::Relaxed);
                        for violation in &outcome.violations {
                            failures.fetch_add(1, Ordering::Relaxed);
                            println!("course {course}, death at step {step} breaks: {violation}");
                        }
                    }
                });
            }
        });
    }
    let took_ms = engine::Clock::monotonic_ms(&began);
    let (points, failed) = (points.into_inner(), failures.into_inner());
    println!("{points} crash points in {}.{:03} s; {failed} failed", took_ms / 1_000, took_ms % 1_000);
    failed > 0
}

/// Many seeds; true: something broke.
fn many(arguments: &Arguments) -> bool {
    let (next, failures) = (AtomicU64::new(arguments.from), AtomicU64::new(0));
    let end = arguments.from + arguments.seeds;
    let tally = Tally::default();
    let virtual_time = Mutex::new(Duration::ZERO);
    let began = engine::SystemClock::new();
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || failures.load(Ordering::Relaxed) >= arguments.failures {
                        return;
                    }
                    let outcome = outcome::play(&history::draw(seed), false);
                    tally.merge(&outcome.counts);
                    *virtual_time.lock().unwrap_or_else(PoisonError::into_inner) += outcome.virtual_time;
                    if !outcome.violations.is_empty() {
                        failures.fetch_add(1, Ordering::Relaxed);
                        report(seed, &outcome, arguments);
                    }
                }
            });
        }
    });
    let failed = failures.into_inner();
    summary(&tally, virtual_time.into_inner().unwrap_or_else(PoisonError::into_inner), &began, failed);
    failed > 0
}

fn summary(tally: &Tally, virtual_time: Duration, began: &engine::SystemClock, failed: u64) {
    let took_ms = engine::Clock::monotonic_ms(began).max(1);
    let counts = tally.counts();
    for (what, number) in &counts {
        println!("{number:>12} {what}");
    }
    let histories = counts.get("histories").copied().unwrap_or_default();
    let virtual_ms = u64::try_from(virtual_time.as_millis()).unwrap_or(u64::MAX);
    println!(
        "{histories} histories in {}.{:03} s: {} a second; {} hours of virtual time, {} times as fast as the clock; {failed} failed",
        took_ms / 1_000,
        took_ms % 1_000,
        histories * 1_000 / took_ms,
        virtual_ms / 3_600_000,
        virtual_ms / took_ms,
    );
}

#[cfg(not(feature = "planted"))]
fn hunt(_arguments: &Arguments) -> bool {
    println!("this build has no bugs in it: cargo xtask sim --planted");
    true
}

/// Plants every bug in turn; true: one of them was not caught.
#[cfg(feature = "planted")]
fn hunt(arguments: &Arguments) -> bool {
    use engine::planted::Bug;
    let next = AtomicU64::new(0);
    let hunts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                while let Some(bug) =
                    usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|at| Bug::ALL.get(at))
                {
                    let hunt = sim::planted::hunt(*bug, arguments.from..arguments.from + arguments.seeds);
                    tell(&hunt);
                    hunts.lock().unwrap_or_else(PoisonError::into_inner).push(hunt);
                }
            });
        }
    });
    let hunts = hunts.into_inner().unwrap_or_else(PoisonError::into_inner);
    let caught = hunts.iter().filter(|hunt| hunt.caught.is_some()).count();
    println!("{caught} of {} planted bugs were caught", hunts.len());
    caught < hunts.len()
}

#[cfg(feature = "planted")]
fn tell(hunt: &sim::planted::Hunt) {
    let name = format!("{:?}", hunt.bug);
    match &hunt.caught {
        Some((seed, violation)) => {
            println!("{name:<22} seed {seed:>6} after {:>5}: {}", hunt.played, violation.name);
        }
        None => println!("{name:<22} NOT CAUGHT in {} histories:{}", hunt.played, hunt.bug.words()),
    }
}
