//! Every bound of the program in one place, each with its reason.

/// Contacts a page of HighLevel's search holds at most (HighLevel API docs, contacts search, seen 2026-08).
pub const HIGHLEVEL_PAGE: u32 = 500;
/// The page asked for where a location refuses 500; some clients report 100 as the greatest page.
pub const HIGHLEVEL_PAGE_FALLBACK: u32 = 100;
/// Customers, events, metadata a page of Chargify holds at most; a larger wish is silently lowered
/// (Maxio Advanced Billing API reference, list customers, seen 2026-08).
pub const CHARGIFY_PAGE: u32 = 200;
/// Customers whose metadata one Chargify call can list (Maxio Advanced Billing API reference, list metadata).
pub const CHARGIFY_METADATA_IDS: u32 = 50;

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
pub const HIGHLEVEL_BURST_RESERVE: u32 = 10;

/// Longest text a Chargify customer field is given. No limit is published; neighbouring fields end at 255.
pub const CHARGIFY_TEXT_CHARS: usize = 255;
/// Longest metafield value. Chargify silently drops what exceeds 2 KB, so we stay below.
pub const CHARGIFY_METAFIELD_BYTES: usize = 2_000;

/// Largest webhook body taken in. Real ones stay below 20 KiB.
pub const WEBHOOK_BODY_BYTES: usize = 256 * 1024;
/// Largest form or server-function body taken in.
pub const FORM_BODY_BYTES: usize = 256 * 1024;
/// Largest answer read from a remote service: a full page of contacts with all custom fields fits with room.
pub const REMOTE_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Largest error body kept for a person to read.
pub const REMOTE_ERROR_BYTES: usize = 4 * 1024;

/// Attempts of a job before it ends as failed: with [`crate::retry::backoff`] about a day.
pub const JOB_ATTEMPTS: u32 = 12;
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
/// Event ids re-read below the last one seen, since events may become visible out of order.
pub const EVENT_OVERLAP: i64 = 300;

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
