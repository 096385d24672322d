//! Bugs that can be planted, so that the simulation can prove that it would find them. Only the build with the feature
//! `planted` has any; everywhere else `planted!` is the constant `false`.

/// Whether that bug is planted: `if planted!(SkipLookup) { … }`.
#[macro_export]
macro_rules! planted {
    ($bug:ident) => {{
        #[cfg(feature = "planted")]
        let is_planted = $crate::planted::is($crate::planted::Bug::$bug);
        #[cfg(not(feature = "planted"))]
        let is_planted = false;
        is_planted
    }};
}

#[cfg(feature = "planted")]
pub use on::{Bug, is, plant};

#[cfg(feature = "planted")]
mod on {
    use std::cell::Cell;

    macro_rules! bugs {
        ($($(#[doc = $words:literal])* $bug:ident,)*) => {
            /// One mistake, each where somebody could make it.
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum Bug {
                $($(#[doc = $words])* $bug,)*
            }

            impl Bug {
                pub const ALL: &[Self] = &[$(Self::$bug),*];

                /// What it does.
                #[must_use]
                pub const fn words(self) -> &'static str {
                    match self {
                        $(Self::$bug => concat!($($words),*),)*
                    }
                }
            }
        };
    }

    bugs! {
        /// What was not answered is taken for not done, without a look-up.
        SkipLookup,
        /// A contact is created without looking whether it exists.
        SkipDuplicateCheck,
        /// After 429 the next request leaves at once.
        IgnoreTooMany,
        /// A write leaves although its record changed after the plan.
        SkipRecheck,
        /// What was agreed on is not written down after a write.
        ForgetBase,
        /// An own write that comes back is read and compared like a stranger's.
        IgnoreEcho,
        /// A contact that is missing from a list is taken for deleted.
        AbsentAsGone,
        /// A page that could not be read is taken for an empty one.
        AbsentAsEmpty,
        /// A write leaves without having been journalled.
        SkipJournal,
        /// Contacts are searched without overlap.
        NoOverlap,
        /// In a conflict the wrong side wins.
        WrongWinner,
        /// One-way rules go both ways.
        IgnoreDirection,
        /// A reference that is there is overwritten.
        OverwriteReference,
        /// A webhook is answered before it is recorded, and not recorded.
        AnswerFirst,
        /// Failures and echoes are not counted.
        ForgetCounts,
        /// Customers are not looked for by e-mail.
        SkipEmailMatch,
        /// A slot is free again as soon as its caller stops waiting.
        FreeSlotEarly,
        /// The slots of a dead node are given out at once.
        NoRestForSlots,
        /// A run goes on with the mapping it was planned with, whatever was saved since.
        OldMapping,
        /// The store gives out one slot more than the site allows.
        OneSlotMore,
        /// The store records every arrival of a webhook.
        NoDedupe,
        /// The store takes a second link of a record.
        TwoLinks,
        /// The store keeps half of a unit of work when its process dies.
        TornCommit,
        /// The store lets a job run on two nodes.
        SharedJobs,
        /// A customer is created without its reference.
        CreateWithoutReference,
        /// Of a record to be written on both sides only one is.
        ForgetSecondWrite,
        /// Webhooks are worked off and not told what came of them.
        LeaveDeliveries,
        /// The wire sends a write again whose answer was lost.
        WireRetries,
        /// The wire answers a list from what it heard before.
        CachedLists,
        /// An audit line is chained to the line before the last.
        BrokenChain,
    }

    std::thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug for everything that runs on this thread, or takes it out.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether that bug is planted.
    #[must_use]
    pub fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}
