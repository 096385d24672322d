//! A timing as one would say it: `every 5 minutes`, `every day at 02:00, Berlin time`.

use super::{Cron, Zone, cron::Set};
use jiff::civil::Weekday;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// So many times of day are named one by one.
const TIMES_NAMED: usize = 4;

pub(super) fn of(cron: &Cron, zone: &Zone) -> String {
    let days = days(cron);
    let times = times(cron);
    let always = days.is_none() && cron.hours.len() == 24;
    let sentence = match (days, always) {
        (_, true) => times,
        (None, false) => format!("every day {times}"),
        (Some(days), _) => format!("{days} {times}"),
    };
    if always && cron.minutes.len() > 1 { sentence } else { format!("{sentence}, {}", zone.label()) }
}

/// `None`: all days of all months.
fn days(cron: &Cron) -> Option<String> {
    let weekdays = (cron.weekdays.len() < 7).then(|| weekdays(cron.weekdays));
    let days = (cron.days.len() < 31).then(|| month_days(cron.days));
    let both = !cron.days.is_star && !cron.weekdays.is_star;
    let months = (cron.months.len() < 12).then(|| {
        let names = cron.months.values().filter_map(|month| MONTHS.get(usize::from(month).checked_sub(1)?).copied());
        format!("in {}", listed(names.map(str::to_owned).collect()))
    });
    let days = match (weekdays, days) {
        (None, None) => None,
        (Some(weekdays), None) => Some(weekdays),
        (None, Some(days)) => Some(days),
        (Some(weekdays), Some(days)) if both => Some(format!("{days} and {weekdays}")),
        (Some(weekdays), Some(days)) => Some(format!("{days}, but only {weekdays},")),
    };
    match (days, months) {
        (None, None) => None,
        (Some(days), None) => Some(days),
        (None, Some(months)) => Some(format!("every day {months}")),
        (Some(days), Some(months)) => Some(format!("{days} {months}")),
    }
}

fn weekdays(set: Set) -> String {
    let numbers: Vec<u8> = set.values().collect();
    let name = |number: &u8| WEEKDAYS.get(usize::from(*number)).copied().unwrap_or_default().to_owned();
    let in_a_row = numbers.windows(2).all(|pair| matches!(pair, [one, next] if one + 1 == *next));
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) if in_a_row && numbers.len() > 2 => format!("{} to {}", name(first), name(last)),
        _ => format!("every {}", listed(numbers.iter().map(name).collect())),
    }
}

fn month_days(set: Set) -> String {
    let numbers: Vec<String> = set.values().map(|day| day.to_string()).collect();
    let noun = if numbers.len() == 1 { "day" } else { "days" };
    format!("on {noun} {} of the month", listed(numbers))
}

fn times(cron: &Cron) -> String {
    let all: Vec<u16> = cron.minutes_of_day().collect();
    let (Some(first), Some(last)) = (all.first().copied(), all.last().copied()) else { return String::new() };
    let minutes: Vec<u8> = cron.minutes.values().collect();
    let every_hour = cron.hours.len() == 24;
    if every_hour && minutes.len() == 1 {
        return if first == 0 { "every hour".to_owned() } else { format!("every hour at {first} minutes past") };
    }
    if let Some(step) = even_step(&all) {
        let (count, unit) = if step.is_multiple_of(60) { (step / 60, "hours") } else { (step, "minutes") };
        return match every_hour {
            true => format!("every {count} {unit}"),
            false => format!("every {count} {unit} from {} to {}", clock(first), clock(last))
                .replace("every 1 hours", "every hour"),
        };
    }
    if all.len() <= TIMES_NAMED {
        return format!("at {}", listed(all.into_iter().map(clock).collect()));
    }
    let past = listed(minutes.iter().map(u8::to_string).collect());
    if every_hour {
        return format!("every hour at {past} minutes past");
    }
    format!("{} times from {} to {}", all.len(), clock(first), clock(last))
}

/// The distance between all neighbours, for more than a few times.
fn even_step(times: &[u16]) -> Option<u16> {
    let mut gaps = times.windows(2).filter_map(|pair| match pair {
        [one, next] => Some(next - one),
        _ => None,
    });
    let first = gaps.next()?;
    (times.len() > TIMES_NAMED && gaps.all(|gap| gap == first)).then_some(first)
}

fn clock(minute_of_day: u16) -> String {
    format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(mut names: Vec<String>) -> String {
    let Some(last) = names.pop() else { return String::new() };
    if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) }
}

/// Three letters.
pub(super) fn month(number: i8) -> &'static str {
    let place = usize::from(number.unsigned_abs()).checked_sub(1);
    place.and_then(|place| MONTHS.get(place)).and_then(|name| name.get(..3)).unwrap_or_default()
}

/// Three letters.
pub(super) fn weekday(day: Weekday) -> &'static str {
    let number = usize::from(day.to_sunday_zero_offset().unsigned_abs());
    WEEKDAYS.get(number).and_then(|name| name.get(..3)).unwrap_or_default()
}
