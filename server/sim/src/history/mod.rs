//! A history: a small world and what befalls it, both from one seed. Events name people by a number that is taken modulo
//! whoever is there, so that an event left out leaves the others meaningful.

mod draw;
mod show;

pub use draw::draw;

use domain::{
    Side,
    mapping::{Conflict, Direction},
};

/// A world and its events.
#[derive(Clone, Debug)]
pub struct History {
    pub seed: u64,
    pub plan: Plan,
    pub events: Vec<Event>,
}

/// How the world is at its beginning, and how it treats what passes through it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub people: Vec<Person>,
    pub rules: Vec<Rule>,
    /// Nodes at work at the beginning.
    pub nodes: u32,
    /// The ceiling of the site.
    pub slots: u16,
    pub create_contacts: bool,
    pub write_reference: bool,
    pub allow_duplicates: bool,
    /// An answer takes from so long to so long.
    pub latency_ms: (u64, u64),
    /// How much later changes show up in GoHighLevel's search, and in Chargify's events.
    pub index_lag_s: u64,
    pub event_lag_s: u64,
    /// Customers nobody looks at, so that the list of customers has more than one page.
    pub crowd: u32,
    pub post: Post,
}

/// Somebody who is there at the beginning. Each number stands for values of fields; equal numbers are equal values.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub on: On,
    /// The number all values come from.
    pub no: u32,
    /// The number of the e-mail address: another person's, where two share one.
    pub email_no: Option<u32>,
    pub has_last_name: bool,
    /// Known on both sides: the field in which they differ.
    pub differs_in: Option<usize>,
    /// Known on both sides: the customer's reference is the contact's id already.
    pub referenced: bool,
}

/// Where somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Highlevel,
    Chargify,
    Both,
}

/// One rule of the mapping; which fields it is about, its place says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub place: usize,
    pub direction: Direction,
    pub conflict: Conflict,
}

/// What happens to webhooks, each in so many of a thousand cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Post {
    /// Taken, and never seen again.
    pub lost: u64,
    pub doubled: u64,
    pub delayed: u64,
    /// A delayed one takes up to so long.
    pub delay_s: u64,
}

/// One thing that happens, so long after the one before.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number in the history as drawn: values and choices come from it, also when others are left out.
    pub no: u32,
    pub gap_ms: u64,
    pub what: What,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A person changes, or empties, a field at one of the services.
    Edit {
        side: Side,
        who: u32,
        place: usize,
        clear: bool,
    },
    /// A person adds a record; `complete`: with everything a customer needs.
    Create {
        side: Side,
        complete: bool,
    },
    /// A person adds a record with the e-mail address of a record of the other side.
    CreateLike {
        side: Side,
        who: u32,
    },
    Delete {
        side: Side,
        who: u32,
    },
    /// A person takes the contact deleted last out of the bin.
    Restore,
    Merge {
        from: u32,
        into: u32,
    },
    /// Two contacts exchange their e-mail addresses.
    SwapEmails {
        one: u32,
        other: u32,
    },
    Run {
        mode: Mode,
        approval: Wish,
    },
    Chosen {
        who: u32,
    },
    Approve,
    Cancel,
    /// The rule at that place of the mapping is dropped, comes back, or decides otherwise.
    Remap {
        place: usize,
        to: Remap,
    },
    /// A node dies at its n-th input or output from now on.
    Crash {
        node: u32,
        after: u64,
    },
    /// A node dies while a call of it to Chargify hangs.
    CrashInCall {
        node: u32,
    },
    /// So much later changes show up in GoHighLevel's search from now on.
    Lag {
        seconds: u64,
    },
    /// One of the crowd is deleted: every customer behind it moves one place forward in the list.
    Shift,
    /// One more node starts.
    Start,
    /// A node is asked to end in order.
    Stop {
        node: u32,
    },
    Revoke {
        side: Side,
        for_s: u64,
    },
    Jump {
        node: u32,
        by_s: i64,
    },
    /// Calls go wrong for a while.
    Weather {
        kind: Weather,
        for_s: u64,
    },
}

/// How a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Full,
    Changes,
    DryRun,
}

/// When a person wants to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Granted,
    Fuse,
    Always,
}

/// An edit of the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remap {
    Drop,
    Back,
    Conflict(Conflict),
}

/// What goes wrong with calls, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// A little of everything.
    Mixed,
    /// Too many requests, says the service, again and again.
    Throttled,
    /// Answers are lost after the work was done.
    Lossy,
    /// 5xx, mostly.
    Broken,
    /// Calls hang until somebody's patience ends; some are carried out long after they were cut off.
    Hanging,
    /// One side answers nothing.
    Outage(Side),
}
