//! Tables of days that are easily got wrong, and what holds for every schedule.

use super::{zone::Comes, *};
use proptest::prelude::*;
use time::{Duration, format_description::well_known::Rfc3339, macros::datetime};

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

fn text(changes: &str, full: &str, zone: &str, quiet: &str) -> ScheduleText {
    let [changes, full, zone, quiet] = [changes, full, zone, quiet].map(str::to_owned);
    ScheduleText { changes, full, zone, quiet }
}

fn full(line: &str, zone: &str, quiet: &str) -> Schedule {
    Schedule::read(&text("", line, zone, quiet)).unwrap()
}

fn at(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

#[track_caller]
fn check(line: &str, zone: &str, after: &str, expected: &[&str]) {
    let starts = full(line, zone, "").upcoming(Kind::Full, at(after), expected.len());
    let starts: Vec<String> = starts.into_iter().map(|start| start.format(&Rfc3339).unwrap()).collect();
    assert_eq!(starts, expected, "{line} in {zone}");
}

#[test]
fn the_next_start_is_the_first_that_every_field_names() {
    check("*/5 * * * *", "", "2026-11-22T06:00:00Z", &["2026-11-22T06:05:00Z", "2026-11-22T06:10:00Z"]);
    check("*/5 * * * *", "", "2026-11-22T06:04:59Z", &["2026-11-22T06:05:00Z"]);
    check("30 9-17/4 * * mon-fri", "", "2026-11-20T17:30:00Z", &["2026-11-23T09:30:00Z", "2026-11-23T13:30:00Z"]);
    check("0 0 1 jan *", "", "2026-11-22T00:00:00Z", &["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]);
    check("0 12 * * 7", "", "2026-11-22T12:00:00Z", &["2026-11-29T12:00:00Z"]);
    check("0 12 31 * *", "", "2026-11-22T12:00:00Z", &["2026-12-31T12:00:00Z", "2027-01-31T12:00:00Z"]);
}

#[test]
fn a_day_named_by_either_of_two_day_fields_counts() {
    check(
        "0 6 1 * 1",
        "",
        "2026-11-22T00:00:00Z",
        &["2026-11-23T06:00:00Z", "2026-11-30T06:00:00Z", "2026-12-01T06:00:00Z"],
    );
    // A field that begins with a star leaves the choice to the other one.
    check("0 6 */2 * 1", "", "2026-11-22T00:00:00Z", &["2026-11-23T06:00:00Z", "2026-12-07T06:00:00Z"]);
}

#[test]
fn the_29_february_comes_in_leap_years_only() {
    check("0 3 29 2 *", BERLIN, "2026-11-22T00:00:00Z", &["2028-02-29T02:00:00Z", "2032-02-29T02:00:00Z"]);
    // 2100 is none.
    check("0 3 29 2 *", "", "2096-03-01T00:00:00Z", &["2104-02-29T03:00:00Z"]);
}

#[test]
fn a_skipped_time_starts_when_the_gap_ends() {
    // Berlin, 29 March 2026: 02:00 to 03:00 does not exist.
    check(
        "30 2 * * *",
        BERLIN,
        "2026-03-28T00:00:00Z",
        &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    // New York, 8 March 2026.
    check("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]);
    // Two skipped times are one start.
    check("0,30 2 * * *", BERLIN, "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]);
    // Samoa left out the whole 30 December 2011.
    check("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", &["2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"]);
}

#[test]
fn a_doubled_time_starts_once_and_every_hour_goes_by_the_clock() {
    // Berlin, 25 October 2026: 02:00 to 03:00 comes twice.
    check("30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // New York, 1 November 2026: 01:00 to 02:00.
    check("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z", &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
    check(
        "30 * * * *",
        BERLIN,
        "2026-10-24T23:45:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"],
    );
    check("30 * * * *", BERLIN, "2026-03-29T00:00:00Z", &["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
}

#[test]
fn what_falls_into_the_quiet_hours_starts_once_when_they_end() {
    let starts = |line: &str, quiet: &str, after: &str, count: usize| -> Vec<OffsetDateTime> {
        full(line, BERLIN, quiet).upcoming(Kind::Full, at(after), count)
    };
    // 22:00 to 06:00 in Berlin is 21:00 to 05:00 in UTC in winter.
    assert_eq!(
        starts("*/15 * * * *", "22:00-06:00", "2026-11-22T20:40:00Z", 4),
        [
            datetime!(2026-11-22 20:45 UTC),
            datetime!(2026-11-23 5:00 UTC),
            datetime!(2026-11-23 5:15 UTC),
            datetime!(2026-11-23 5:30 UTC),
        ]
    );
    assert_eq!(
        starts("0 13 * * *", "12:00-14:30", "2026-11-22T00:00:00Z", 2),
        [datetime!(2026-11-22 13:30 UTC), datetime!(2026-11-23 13:30 UTC),]
    );
    // The first minute is quiet, the last is not.
    assert_eq!(
        starts("0 6,22 * * *", "22:00-06:00", "2026-11-22T04:00:00Z", 2),
        [datetime!(2026-11-22 5:00 UTC), datetime!(2026-11-23 5:00 UTC),]
    );
    let quiet = full("0 2 * * *", BERLIN, "22:00-06:00");
    assert_eq!(quiet.quiet_until(datetime!(2026-11-22 20:59:59 UTC)), None);
    assert_eq!(quiet.quiet_until(datetime!(2026-11-22 21:00 UTC)), Some(datetime!(2026-11-23 5:00 UTC)));
    assert_eq!(quiet.quiet_until(datetime!(2026-11-23 5:00 UTC)), None);
}

#[test]
fn quiet_hours_end_by_the_new_time_when_clocks_change() {
    // They end at 02:30, which comes twice: the second time nothing is quiet any more.
    let twice = full("0 12 * * *", BERLIN, "22:00-02:30");
    assert_eq!(twice.quiet_until(datetime!(2026-10-24 22:00 UTC)), Some(datetime!(2026-10-25 0:30 UTC)));
    assert_eq!(twice.quiet_until(datetime!(2026-10-25 1:00 UTC)), Some(datetime!(2026-10-25 1:30 UTC)));
    // They end at 02:30, which is skipped.
    let skipped = full("0 12 * * *", BERLIN, "22:00-02:30");
    assert_eq!(skipped.quiet_until(datetime!(2026-03-28 22:00 UTC)), Some(datetime!(2026-03-29 1:00 UTC)));
}

#[test]
fn presets_read_back_as_themselves() {
    for kind in Kind::ALL {
        for (name, line) in kind.presets() {
            let (by_name, by_line) = match kind {
                Kind::Changes => (text(name, "", "", ""), text(line, "", "", "")),
                Kind::Full => (text("", name, "", ""), text("", line, "", "")),
            };
            let schedule = Schedule::read(&by_name).unwrap();
            assert_eq!(schedule, Schedule::read(&by_line).unwrap());
            assert_eq!(Schedule::read(&schedule.text()).unwrap(), schedule);
            assert!(schedule.words(kind).is_some());
        }
    }
    let written = text("off", "0 4 * * 1-5", NEW_YORK, "22:00-06:30");
    assert_eq!(
        Schedule::read(&text("", " 0  4 * * 1-5 ", "america/new_york", "22:00 - 06:30")).unwrap().text(),
        written
    );
    assert_eq!(Schedule::default().text(), text("off", "off", "UTC", ""));
    assert!(Schedule::read(&ScheduleText::default()).unwrap().is_off());
}

#[test]
fn every_fault_is_told_with_what_to_do() {
    let check = |line: &str, says: &str| {
        let faults = Schedule::read(&text("", line, "", "")).unwrap_err();
        assert_eq!(faults.len(), 1, "{line}");
        assert!(faults[0].starts_with("full: ") && faults[0].contains(says), "{line}: {}", faults[0]);
    };
    check("0 2 * *", "write five fields");
    check("0 0 2 * * *", "this has 6 (seconds and years have no place)");
    check("61 2 * * *", "minute: \"61\" is not a number from 0 to 59");
    check("0 2 * 13 *", "month: \"13\" is neither a number from 1 to 12 nor a name such as jan");
    check("0 2 * * fun", "day of the week: \"fun\" is neither");
    check("0 2 0 * *", "day of the month: \"0\" is not a number from 1 to 31");
    check("0 22-6 * * *", "hour: 22-6 runs backwards; write it as two");
    check("5/10 * * * *", "minute: a step needs a range or a star: write 5-59/10");
    check("*/0 * * * *", "minute: \"0\" is no step");
    check("0 2 30 2 *", "never comes");
    check("0 2 31 4,6 *", "never comes");
    check("* * * * *", "starts 1 min apart; the closest allowed is 5 min");
    check("0,58 * * * *", "starts 2 min apart");
    check("*/7 * * * *", "starts 4 min apart");
    check("hourly", "write \"off\", \"nightly\", \"weekly\" or five cron fields");
    check("every 5 minutes", "is no timing");
    let faults = Schedule::read(&text("every 7 minutes", "0 2 * *", "Mars/Olympus", "22-6")).unwrap_err();
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults[0].starts_with("changes: \"every 7 minutes\" is no timing; write \"off\", \"every 5 minutes\""));
    assert!(faults[2].starts_with("zone: there is no time zone \"Mars/Olympus\"; write UTC or a name such as"));
    assert!(faults[3].starts_with("quiet: \"22-6\" is no span of hours; write it as 22:00-06:00"));
    let faults = Schedule::read(&text("", "", "", "06:00-06:00")).unwrap_err();
    assert!(faults[0].starts_with("quiet: the quiet hours begin and end at the same time"));
    for quiet in ["24:00-06:00", "22:60-06:00", "22:0-06:00", "+2:00-06:00", "22:00-"] {
        assert!(Schedule::read(&text("", "", "", quiet)).is_err(), "{quiet}");
    }
}

#[test]
fn a_timing_reads_as_one_would_say_it() {
    let check = |line: &str, zone: &str, words: &str| {
        assert_eq!(full(line, zone, "").words(Kind::Full).as_deref(), Some(words), "{line}");
    };
    check("*/5 * * * *", BERLIN, "every 5 minutes");
    check("0 * * * *", BERLIN, "every hour, Berlin time");
    check("15 * * * *", "", "every hour at 15 minutes past, UTC");
    check("0,20 * * * *", "", "every hour at 0 and 20 minutes past");
    check("0 2 * * *", BERLIN, "every day at 02:00, Berlin time");
    check("0 2 * * 0", NEW_YORK, "every Sunday at 02:00, New York time");
    check("30 8,12,18 * * 1-5", BERLIN, "Monday to Friday at 08:30, 12:30 and 18:30, Berlin time");
    check("0 */2 * * *", BERLIN, "every day every 2 hours from 00:00 to 22:00, Berlin time");
    check("*/10 8-17 * * 1-5", BERLIN, "Monday to Friday every 10 minutes from 08:00 to 17:50, Berlin time");
    check("0 8-17 * * sat,sun", BERLIN, "every Sunday and Saturday every hour from 08:00 to 17:00, Berlin time");
    check("0 3 1 * *", BERLIN, "on day 1 of the month at 03:00, Berlin time");
    check("0 3 1,15 jan,jul *", BERLIN, "on days 1 and 15 of the month in January and July at 03:00, Berlin time");
    check("0 3 1 * mon", BERLIN, "on day 1 of the month and every Monday at 03:00, Berlin time");
    check("0 3 * 12 *", "", "every day in December at 03:00, UTC");
    check("7,13,29 1-9/2 * * *", "", "every day 15 times from 01:07 to 09:29, UTC");
    assert_eq!(Schedule::default().words(Kind::Full), None);
}

#[test]
fn the_wall_clock_of_a_zone_is_told() {
    let zone = Zone::named(BERLIN).unwrap();
    assert_eq!(zone.clock(datetime!(2026-03-29 1:00 UTC)), "Sun 29 Mar 2026, 03:00");
    assert!(Zone::all().iter().any(|name| name == BERLIN) && Zone::all().len() > 300);
}

/// Every minute of the clock that the fields name, found by walking.
fn by_walking(cron: &Cron, zone: &Zone, after: OffsetDateTime, hours: i64) -> Option<OffsetDateTime> {
    let first = after.replace_second(0).unwrap().replace_nanosecond(0).unwrap() + Duration::MINUTE;
    (0..hours * 60).map(|minute| first + Duration::minutes(minute)).find(|at| {
        let wall = zone.local(at.unix_timestamp()).unwrap();
        let (hour, minute) = (wall.hour().unsigned_abs(), wall.minute().unsigned_abs());
        wall.second() == 0 && cron.hours.has(hour) && cron.minutes.has(minute) && cron.is_on(wall.date())
    })
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "UTC",
        BERLIN,
        NEW_YORK,
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/St_Johns",
        "Africa/Cairo",
    ])
}

fn lines() -> impl Strategy<Value = String> {
    let minutes = prop::sample::select(vec!["0", "*/5", "*/15", "30", "59", "10,40", "5-55/10"]);
    let hours = prop::sample::select(vec!["*", "2", "1-3", "*/6", "0,23", "8-17"]);
    let days = prop::sample::select(vec!["* *", "* *", "1 *", "29 2", "31 *", "* 3,10,11"]);
    let weekdays = prop::sample::select(vec!["*", "*", "0", "1-5"]);
    (minutes, hours, days, weekdays)
        .prop_map(|(minutes, hours, days, weekdays)| format!("{minutes} {hours} {days} {weekdays}"))
}

/// Any instant from 2000 until 2069, days of changing clocks among them more often than by chance.
fn instants() -> impl Strategy<Value = OffsetDateTime> {
    let any = (946_684_800_i64..3_124_224_000).prop_map(|second| OffsetDateTime::from_unix_timestamp(second).unwrap());
    let changes = prop::sample::select(vec![
        datetime!(2026-03-29 1:00 UTC),
        datetime!(2026-10-25 1:00 UTC),
        datetime!(2026-03-08 7:00 UTC),
        datetime!(2026-11-01 6:00 UTC),
        datetime!(2026-04-04 15:00 UTC),
        datetime!(2026-10-03 15:30 UTC),
    ]);
    let near = (changes, -30 * 3600_i64..30 * 3600).prop_map(|(change, off)| change + Duration::seconds(off));
    prop_oneof![any, near]
}

fn quiet() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "22:00-06:00", "02:15-02:45", "00:00-23:59", "12:00-13:00"])
}

proptest! {
    #[test]
    fn starts_lie_ahead_in_order_and_never_within_the_quiet_hours(
        line in lines(), zone in zones(), quiet in quiet(), after in instants()
    ) {
        let schedule = full(&line, zone, quiet);
        let starts = schedule.upcoming(Kind::Full, after, 5);
        prop_assert_eq!(starts.len(), 5);
        let mut before = after;
        for start in starts {
            prop_assert!(start > before, "{} after {}", start, before);
            prop_assert_eq!(schedule.quiet_until(start), None);
            before = start;
        }
    }

    #[test]
    fn a_start_is_never_later_than_walking_finds_it(line in lines(), zone in zones(), after in instants()) {
        let cron = Cron::read(&line).unwrap();
        let zone = Zone::named(zone).unwrap();
        let next = cron.next(after, &zone).unwrap();
        let walked = by_walking(&cron, &zone, after, 50);
        if cron.hours.len() == 24 {
            // By the clock: nothing is moved or left out.
            prop_assert_eq!(walked, Some(next).filter(|next| *next <= after + Duration::hours(50)));
        } else if let Some(walked) = walked.filter(|walked| next > *walked) {
            // Where walking finds an earlier one, it is the second coming of a doubled time.
            let comes = zone.comes(zone.local(walked.unix_timestamp()).unwrap()).unwrap();
            let is_second = matches!(comes, Comes::Twice(_, second) if second == walked.unix_timestamp());
            prop_assert!(is_second, "{} for {}: {:?}", next, walked, comes);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(line in "[0-9*/, a-z-]{0,24}", quiet in "[0-9:–-]{0,12}") {
        drop(Schedule::read(&text(&line, &line, "", &quiet)));
    }
}
