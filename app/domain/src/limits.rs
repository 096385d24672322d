//! Every bound of the program in one place, each with its reason.

use std::time::Duration;

/// Contacts a page of HighLevel's search holds at most (HighLevel API docs, contacts search, seen 2026-08).
pub const HIGHLEVEL_PAGE: u32 = 500;
/// The page asked for where a location refuses 500; some clients report 100 as the greatest page.
pub const HIGHLEVEL_PAGE_FALLBACK: u32 = 100;
/// Customers, events, metadata a page of Chargify holds at most; a larger wish is silently lowered
/// (Maxio Advanced Billing API reference, list customers, seen 2026-08).
pub const CHARGIFY_PAGE: u32 = 200;
/// Customers whose metadata one Chargify call can list (Maxio Advanced Billing API reference, list metadata).
pub const CHARGIFY_METADATA_IDS: u32 = 50;

/// Metafields a Chargify site can have for its customers (Maxio Advanced Billing API reference, metafields).
pub const CHARGIFY_METAFIELDS: usize = 100;
/// Longest name of a metafield we make. No limit is published.
pub const CHARGIFY_METAFIELD_NAME_CHARS: usize = 100;
/// How long an account's own fields are taken to be there after they were read: no service tells that one was deleted, and
/// its values then look emptied.
pub const FIELDS_SURE_S: i64 = 60;

/// Pages of subscriptions read in one go: a million of them; a list longer than that has no end.
pub const SUBSCRIPTION_PAGES: u32 = 5_000;
/// Subscriptions of one customer that a page shows. The others end older ones; they count all the same.
pub const SUBSCRIPTIONS_SHOWN: usize = 50;

/// Requests Chargify lets run at once per site, over everyone who uses it (Maxio, API rate limiting).
pub const CHARGIFY_IN_FLIGHT: u16 = 4;
/// Fewest slots a lane can be given: it would stand still with none.
pub const LANE_SLOTS_MIN: u16 = 1;
/// Most slots a lane can be given: Chargify's own bound.
pub const LANE_SLOTS_MAX: u16 = CHARGIFY_IN_FLIGHT;
/// Slots a lane gets unless told: one is left for the merchant's own systems.
pub const LANE_SLOTS_DEFAULT: u16 = 3;

/// HighLevel requests in one window, per location and app (HighLevel API docs, rate limits, seen 2026-08).
pub const HIGHLEVEL_BURST: u32 = 100;
/// The length of HighLevel's window.
pub const HIGHLEVEL_BURST_WINDOW_S: u64 = 10;
/// HighLevel requests a day, per location and app (same source).
pub const HIGHLEVEL_DAILY: u32 = 200_000;
/// Bulk work stops here, so that live changes never wait for tomorrow.
pub const HIGHLEVEL_DAILY_BULK_PERCENT: u32 = 90;
/// Tokens of each window that bulk work leaves to live work.
pub const HIGHLEVEL_BURST_RESERVE: u32 = 5;

/// Longest text a Chargify customer field is given. No limit is published; neighbouring fields end at 255.
pub const CHARGIFY_TEXT_CHARS: usize = 255;
/// Longest text put before a contact's id in `reference`: both together stay far below what one field holds.
pub const REFERENCE_PREFIX_CHARS: usize = 60;
/// Longest metafield value. Chargify silently drops what exceeds 2 KB, so we stay below.
pub const CHARGIFY_METAFIELD_BYTES: usize = 2_000;

/// Longest text of a note on a subscription. Chargify checks no length; a page that shows it stays readable.
pub const SUBSCRIPTION_NOTE_CHARS: usize = 10_000;
/// Contacts whose notes, tasks and appointments a run reads at once: GoHighLevel's limit is the rate, not the number.
pub const ENGAGEMENT_CONTACTS_AT_ONCE: usize = 4;
/// Notes, tasks and appointments of one contact that are looked at together.
pub const ENGAGEMENTS_PER_CONTACT: i64 = 2_000;

/// Largest webhook body taken in. Real ones stay below 20 KiB.
pub const WEBHOOK_BODY_BYTES: usize = 256 * 1024;
/// Webhooks recorded in one statement: enough to outrun a commit each, few enough that none waits long.
pub const DELIVERY_BATCH: usize = 64;
/// Webhooks waiting to be recorded, per process; senders of further ones are told to come again.
pub const DELIVERIES_WAITING: usize = 4_096;
/// Largest form or server-function body taken in.
pub const FORM_BODY_BYTES: usize = 256 * 1024;
/// Largest answer read from a remote service: a full page of contacts with all custom fields fits with room.
pub const REMOTE_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Largest error body kept for a person to read.
pub const REMOTE_ERROR_BYTES: usize = 4 * 1024;

/// Attempts of a job before it ends as failed: with [`crate::retry::backoff`] about a day.
pub const JOB_ATTEMPTS: u32 = 34;
/// Attempts of one remote read inside a job, before the job itself is put off.
pub const READ_ATTEMPTS: u32 = 3;
/// How long a worker owns a job without a sign of life. Longer than the longest request.
pub const JOB_LEASE_S: u64 = 150;
/// How often a worker renews what it owns: three chances before a lease runs out.
pub const JOB_RENEW_S: u64 = 45;
/// Jobs claimed in one statement: enough to fill the slots of a lane, few enough to share.
pub const CLAIM_BATCH: i64 = 16;
/// Records planned or stored in one statement: large enough to amortise, small enough for one short transaction.
pub const RECORD_BATCH: usize = 500;

/// Chargify cuts a request off after this long (Maxio, API error handling), and the outcome is then unknown.
pub const CHARGIFY_CUT_OFF_S: u64 = 120;
/// Our patience with a write: longer than the service's own, so that it decides first.
pub const WRITE_TIMEOUT_S: u64 = 130;
/// So long after a request left, the service has surely ended it: its own cut-off, and the way there.
pub const REMOTE_ENDED: Duration = Duration::from_secs(WRITE_TIMEOUT_S);
/// A write that waited longer than this for its turn is compared with what is known by then before it leaves.
pub const WRITE_FRESH: Duration = Duration::from_secs(5);
/// Our patience with a read.
pub const READ_TIMEOUT_S: u64 = 60;
/// Our patience with making a connection.
pub const CONNECT_TIMEOUT_S: u64 = 10;

/// First delay of [`crate::retry::backoff`].
pub const BACKOFF_FIRST_S: u64 = 2;
/// Longest delay of [`crate::retry::backoff`]: an hour keeps a dead record from being forgotten until tomorrow.
pub const BACKOFF_LAST_S: u64 = 3_600;
/// First pause of a lane after 429.
pub const LANE_PAUSE_FIRST_S: u64 = 60;
/// Longest pause of a lane, whatever `Retry-After` says: after it one request asks again.
pub const LANE_PAUSE_LAST_S: u64 = 15 * 60;

/// Share of active links a run may change before it stops for a person.
pub const FUSE_PERCENT: u64 = 10;
/// Changed links always allowed: 10 % of a small sync is a handful, and a fuse that blows daily is pulled out.
pub const FUSE_FLOOR: u64 = 20;
/// Records a run may create or change before it stops for a person, however large the sync.
pub const FUSE_RECORDS: u64 = 1_000;
/// Deletes and unlinks a run may do before it stops for a person: a few happen daily, many are a mistake.
pub const FUSE_REMOVALS: u64 = 10;

/// Changes of one link within an hour after which it is parked as going in circles.
pub const LINK_FLIPS_PER_HOUR: u32 = 6;
/// Records of the first stage of a staged run: few enough to look at one by one.
pub const STAGE_FIRST: u64 = 10;
/// Records of the second stage.
pub const STAGE_SECOND: u64 = 100;
/// Overlap of two reads by watermark: Chargify's filter works on whole seconds and its events show up late.
pub const WATERMARK_OVERLAP_S: i64 = 300;
/// How wrong a clock can be, ours or a service's: a mark by a service's clock is never left further behind.
pub const CLOCK_SKEW_MAX_S: i64 = 3_600;
/// A change heard of within this while is taken for the latest word: its webhook took the usual way.
pub const HEARD_AT_ONCE: time::Duration = time::Duration::seconds(10);
/// Event ids re-read below the last one seen, since events may become visible out of order: fewer than a page holds, so
/// that a run without changes asks once.
pub const EVENT_OVERLAP: i64 = 150;

/// Closest two starts of a schedule may stand: a run without changes takes seconds, and one that wrote is not begun anew
/// before its own changes show up in the feeds.
pub const SCHEDULE_GAP_MIN: u16 = 5;
/// How often schedules are looked at when nothing is due: another node may have saved one.
pub const SCHEDULE_POLL: Duration = Duration::from_secs(60);
/// How often a start that is due but held up is looked at again.
pub const SCHEDULE_HELD_POLL: Duration = Duration::from_secs(15);
/// A service that refuses everything is asked by schedules no more often than this: often enough to go on by itself once
/// it is accepted again, seldom enough not to bury the list of runs.
pub const SCHEDULE_REFUSED_RETRY: Duration = Duration::from_secs(60 * 60);
/// Next starts shown of a timing.
pub const SCHEDULE_STARTS_SHOWN: usize = 5;
/// Days looked ahead for the next start: a 29 February is never farther away than eight years.
pub const SCHEDULE_DAYS_AHEAD: u32 = 3_000;

/// Rules a mapping may have: every field of both sides, custom ones included.
pub const MAPPING_RULES: usize = 500;
/// Transforms a rule may chain.
pub const TRANSFORM_CHAIN: usize = 16;
/// Characters a transform may be written with: a large lookup table fits.
pub const TRANSFORM_CHARS: usize = 16_384;
/// Rows a page of a list shows.
pub const LIST_PAGE: i64 = 50;
/// Longest text taken from a form's single-line field.
pub const FORM_TEXT_CHARS: usize = 1_000;

/// How long a leased slot is ours without renewal, by the database's clock.
pub const SLOT_LEASE: Duration = Duration::from_secs(12);
/// How long after leasing or renewing a process trusts a slot without asking: well below the lease.
pub const SLOT_GOOD: Duration = Duration::from_secs(8);
/// How often leases are renewed while in use.
pub const SLOT_RENEW: Duration = Duration::from_secs(3);
/// How often the keeper of a gate looks around while slots are in use.
pub const SLOT_TEND: Duration = Duration::from_millis(250);
/// How often it looks for a free slot while somebody waits for one.
pub const SLOT_SEEK: Duration = Duration::from_millis(50);
/// Slots unused for so long are given back.
pub const SLOT_IDLE: Duration = Duration::from_millis(1_500);
/// Requests in flight for longer are told to the database, so that their slots rest longer should this process die.
pub const SLOT_MARK: Duration = Duration::from_millis(750);
/// Slots of a dead node rest before they are given out: a request of it may still be running at the service.
pub const DEAD_SLOT_REST: Duration = Duration::from_millis(1_500);
/// How often a node looks for dead ones: four queries a minute.
pub const NODE_LOOK_AROUND: Duration = Duration::from_secs(15);
/// Between the two looks after which a node without a lock is given up: one whose session broke is back by then.
pub const NODE_SECOND_LOOK: Duration = Duration::from_millis(400);
/// How soon a node that lost its database session tries again.
pub const NODE_REJOIN: Duration = Duration::from_secs(1);
/// How often the queue is looked at when nothing woke the worker.
pub const QUEUE_POLL: Duration = Duration::from_secs(30);
/// Jobs a process runs at once: most of them wait for a remote answer.
pub const JOBS_AT_ONCE: usize = 8;
/// Runs among them: they take long, and half of the places stay with live changes.
pub const RUNS_AT_ONCE: usize = JOBS_AT_ONCE / 2;
/// Jobs of one lane at once, over all nodes; of runs, half as many.
pub const LANE_JOBS: i16 = 8;
/// Writes journalled as sent ahead of the slots, so that no slot waits for Postgres.
pub const WRITES_AHEAD: usize = 2;
/// Items of a run fetched at once.
pub const ITEM_BATCH: i64 = 100;

/// Our patience with the service that gives tokens: nothing else goes on meanwhile.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a token lives where the service does not say (HighLevel API docs, "OAuth 2.0", seen 2026-08).
pub const TOKEN_LIFE: Duration = Duration::from_secs(86_399);
/// A token is renewed so long before its end: an hour of failures is got over without a call refused.
pub const TOKEN_AHEAD: time::Duration = time::Duration::hours(1);
/// A token this near to its end is used no more: a call may take as long.
pub const TOKEN_MARGIN: time::Duration = time::Duration::seconds(30);
/// How long a turn at renewing lasts without a sign of life: one call, and then some.
pub const TOKEN_LEASE: time::Duration = time::Duration::seconds(45);
/// How long a caller waits for another's turn: the most that a turn of several calls takes.
pub const TOKEN_PATIENCE: time::Duration = time::Duration::seconds(120);
/// A renewal that failed is not tried again before.
pub const TOKEN_RETRY: time::Duration = time::Duration::seconds(30);
/// How long a person may take to choose where an app is installed.
pub const INSTALL_ASKED_S: i64 = 15 * 60;
/// A private token of this age should be replaced (HighLevel API docs, "Private Integrations", seen 2026-08).
pub const PRIVATE_TOKEN_DAYS: i64 = 90;

/// Shortest new password: length is what makes guessing hopeless.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password: hashing time grows with length.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// Longest e-mail address there is (RFC 5321, section 4.5.3.1.3, without its brackets).
pub const EMAIL_CHARS: usize = 254;
/// Longest name of a person or workspace: a line on a narrow screen.
pub const NAME_CHARS: usize = 100;
/// Passwords hashed at once, at 64 MiB each: the processors stay with the work.
pub const HASHES_AT_ONCE: usize = 2;
/// Passwords hashed or waiting to be: a few seconds of work. Beyond, people are asked to come back.
pub const HASHES_QUEUED: usize = 32;
/// How long a failed sign-in counts.
pub const SIGN_IN_WINDOW_S: i64 = 15 * 60;
/// Failed sign-ins of one account in the window.
pub const SIGN_IN_ACCOUNT_FAILURES: i64 = 10;
/// Failed sign-ins from one address in the window: an office shares one.
pub const SIGN_IN_ADDRESS_FAILURES: i64 = 30;
/// A login nobody uses for this long ends.
pub const LOGIN_IDLE_S: i64 = 30 * 60;
/// A login ends after this long, used or not: nobody works longer at a stretch.
pub const LOGIN_LIFE_S: i64 = 12 * 60 * 60;
/// Presence is noted once in this while: a page of many requests is one write.
pub const LOGIN_TOUCH_S: i64 = 60;
/// How long a set-up link can be used: a day for whoever installs to hand it on.
pub const SETUP_LINK_S: i64 = 24 * 60 * 60;
/// Members of a workspace shown: a team larger than this is no team.
pub const MEMBERS: i64 = 500;
/// Audit lines handed out at once while exporting: a few hundred kilobytes.
pub const AUDIT_EXPORT_LINES: i64 = 500;
/// Audit lines read at once while verifying: the trail of a large installation does not fit into memory.
pub const AUDIT_VERIFY_LINES: i64 = 1_000;
/// Filtered audit lines are counted no further: a person reads "10,000" as "many", and counting on costs time.
pub const AUDIT_COUNTED: i64 = 10_000;

/// Records of pairs that a full run asks for by id because its lists did not hold them. As many deletions between two runs
/// are rare; the next run asks for the rest.
pub const MISSING_PER_RUN: i64 = 200;
/// How long what is known of a deleted record is kept: GoHighLevel lets a contact be restored for about as long.
pub const TOMBSTONE_KEPT: time::Duration = time::Duration::days(60);
/// Tombstones taken away in one transaction.
pub const TOMBSTONES_AT_ONCE: i64 = 500;
/// How often old tombstones are looked for: a day more or less is nothing to sixty.
pub const TIDY_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// Webhooks one call has sent again (Maxio Advanced Billing API reference, replay webhooks, seen 2026-08).
pub const CHARGIFY_REPLAY: usize = 1_000;
/// How soon after its start a server first looks after webhooks: the senders' own repetitions come first.
pub const WATCH_FIRST: Duration = Duration::from_secs(10);
/// How often the sign of life is given, and what is due is looked for.
pub const WATCH_POLL: Duration = Duration::from_secs(120);
/// A sign of life older than this tells of an outage: Chargify repeats a webhook for about five minutes (Maxio docs, Webhooks
/// Reference, seen 2026-08).
pub const WATCH_OUTAGE: Duration = Duration::from_secs(6 * 60);
/// How often the webhooks of a connection are looked at: an endpoint is paused before long, and it costs four calls.
pub const WATCH_EVERY: Duration = Duration::from_secs(60 * 60);
/// Connections whose looks are queued at once.
pub const WATCH_BATCH: i64 = 50;
/// How far back the log of deliveries is read: an endpoint is disabled after two days (Maxio help, Disabling webhook
/// endpoints, seen 2026-08).
pub const WATCH_LOOKBACK: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// The same after a long outage: the log is kept for a while only, its length is unpublished.
pub const WATCH_LOOKBACK_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// So long after its last attempt nobody is trying a webhook any more (Maxio docs, Webhooks Reference, seen 2026-08).
pub const WATCH_REPLAY_REST: Duration = Duration::from_secs(10 * 60);
/// Pages of the log read for one status: 10,000 webhooks; the next look finds the rest.
pub const WATCH_LOG_PAGES: u32 = 50;
/// Deletions that one approval can mean: nobody looks at more of them at once.
pub const REMOVALS_AT_ONCE: i64 = 1_000;
