//! The text of a note about one of them, and whose a note is.

use super::{EngagementKind, Told};
use crate::limits;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Longest id taken for one: those of the service have 20 to 40 characters.
const ID_CHARS: usize = 64;
/// Longest title in the first line of a note.
const TITLE_CHARS: usize = 200;

/// What the first line of a note says it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    pub kind: EngagementKind,
    pub id: String,
}

/// Whether a marker can carry this id and give it back.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_graphic() && !matches!(char, '[' | ']');
    !id.is_empty() && id.len() <= ID_CHARS && id.chars().all(is_plain)
}

/// The marker that a text begins with. Only its first line counts: a marker further down is a quotation.
#[must_use]
pub fn marker_of(text: &str) -> Option<Marker> {
    let first = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).lines().next()?;
    let (inside, _) = first.strip_prefix("[GHL ")?.split_once(']')?;
    let (kind, id) = inside.split_once(' ')?;
    let kind = kind.parse().ok()?;
    is_id(id).then(|| Marker { kind, id: id.to_owned() })
}

fn marker(kind: EngagementKind, id: &str) -> String {
    format!("[GHL {kind} {id}]")
}

/// The whole note, marker first, no longer than [`limits::SUBSCRIPTION_NOTE_CHARS`]; what is cut off is said.
#[must_use]
pub fn note_text(kind: EngagementKind, id: &str, told: &Told) -> String {
    let head = format!("{}{}", marker(kind, id), headline(kind, told));
    let mut rest = Vec::new();
    if kind == EngagementKind::Appointment {
        rest.extend(told.until.as_deref().map(|until| format!("Until: {}", shown(until))));
        rest.extend(told.place.as_deref().map(|place| format!("Place: {}", one_line(place))));
    }
    rest.extend(told.body.as_deref().map(|body| body.replace('\0', "").trim().to_owned()));
    rest.retain(|line| !line.is_empty());
    cut(&[vec![head], rest].concat().join("\n"))
}

/// What stands in place of a note whose original is gone: its text was removed there, so it is removed here.
#[must_use]
pub fn deleted_text(kind: EngagementKind, id: &str, on: Date) -> String {
    format!("{} deleted in GoHighLevel on {on}", marker(kind, id))
}

fn headline(kind: EngagementKind, told: &Told) -> String {
    let title = told.title.as_deref().map(one_line).filter(|title| !title.is_empty());
    let titled = |line: String| match &title {
        Some(title) => format!("{line}: {title}"),
        None => line,
    };
    let at = told.at.as_deref();
    let said = match kind {
        EngagementKind::Note => at.map(day),
        EngagementKind::Task => {
            let status = told.status.clone().unwrap_or_else(|| "open".to_owned());
            Some(at.map_or(status.clone(), |due| format!("{status}, due {}", day(due))))
        }
        EngagementKind::Appointment => {
            let said: Vec<String> = at.map(shown).into_iter().chain(told.status.as_deref().map(one_line)).collect();
            Some(said.join(", "))
        }
    };
    let line = said.filter(|said| !said.is_empty()).map(|said| format!(" {said}")).unwrap_or_default();
    titled(line)
}

/// `2026-09-01` of an instant; what is none stays as it is.
fn day(instant: &str) -> String {
    OffsetDateTime::parse(instant, &Rfc3339).map_or_else(|_other_form| one_line(instant), |at| at.date().to_string())
}

/// `2026-09-01 10:00 -06:00` of an instant; what is none stays as it is.
fn shown(instant: &str) -> String {
    let format =
        format_description!("[year]-[month]-[day] [hour]:[minute] [offset_hour sign:mandatory]:[offset_minute]");
    let parsed = OffsetDateTime::parse(instant, &Rfc3339).ok().and_then(|at| at.format(format).ok());
    parsed.unwrap_or_else(|| one_line(instant))
}

fn one_line(text: &str) -> String {
    let line = text.replace('\0', "").split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TITLE_CHARS {
        return line;
    }
    let mut short: String = line.chars().take(TITLE_CHARS - 1).collect();
    short.push('…');
    short
}

fn cut(text: &str) -> String {
    let whole = text.chars().count();
    if whole <= limits::SUBSCRIPTION_NOTE_CHARS {
        return text.to_owned();
    }
    let said = format!("\n(Cut here: the whole text has {whole} characters and is in GoHighLevel.)");
    let room = limits::SUBSCRIPTION_NOTE_CHARS.saturating_sub(said.chars().count());
    let mut short: String = text.chars().take(room).collect();
    short.push_str(&said);
    short
}
