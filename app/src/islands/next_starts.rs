//! The next starts of a schedule: by its own zone and in UTC from the server, and in the browser by the viewer's clock too.

use domain::view::StartView;
use leptos::prelude::*;
use time::OffsetDateTime;

use crate::parts::{Cell, Col, Name, Row, Table, exact_to_the_minute};

/// The viewer's zone, and each start by it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mine {
    zone: String,
    starts: Vec<String>,
}

/// A table of starts. `zone` is what people call the zone of the schedule.
#[island]
pub fn NextStarts(caption: String, zone: String, starts: Vec<StartView>) -> impl IntoView {
    let mine = RwSignal::new(None::<Mine>);
    #[cfg(feature = "hydrate")]
    {
        let starts = starts.clone();
        Effect::new(move |_| mine.set(clock::read(&starts)));
    }
    move || {
        let mine = mine.get();
        view! { <Starts caption=caption.clone() zone=zone.clone() starts=starts.clone() mine=mine /> }
    }
}

#[component]
fn Starts(caption: String, zone: String, starts: Vec<StartView>, mine: Option<Mine>) -> impl IntoView {
    let is_utc = zone == "UTC";
    let mut columns = vec![Col::text(crate::page::capital(&zone))];
    let your_time = mine.as_ref().map(|mine| format!("Your time ({})", mine.zone));
    columns.extend(your_time.clone().map(Col::text));
    let mut own = mine.map(|mine| mine.starts).unwrap_or_default().into_iter();
    let row = |start: StartView| {
        let at: OffsetDateTime = start.at.instant();
        let utc = (!is_utc).then(|| format!("{} UTC", exact_to_the_minute(at)));
        let own = own.next().map(|own| view! { <Cell label=your_time.clone().unwrap_or_default() text=own /> });
        view! {
            <Row>
                <Name text=start.local sub=utc />
                {own}
            </Row>
        }
    };
    let rows = starts.into_iter().map(row).collect_view();
    view! {
        <Table caption=caption columns=columns>
            {rows}
        </Table>
    }
}

/// The browser's half: its own clock.
#[cfg(feature = "hydrate")]
mod clock {
    use super::Mine;
    use domain::view::StartView;
    use js_sys::{Array, Date, Intl, Object, Reflect};
    use wasm_bindgen::JsValue;

    /// `None` when the browser does not tell its zone.
    pub(super) fn read(starts: &[StartView]) -> Option<Mine> {
        let known = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
        let zone = Reflect::get(&known, &JsValue::from_str("timeZone")).ok()?.as_string()?;
        let style = Object::new();
        let parts = [
            ("weekday", "short"),
            ("day", "numeric"),
            ("month", "short"),
            ("year", "numeric"),
            ("hour", "2-digit"),
            ("minute", "2-digit"),
        ];
        for (part, how) in parts {
            Reflect::set(&style, &JsValue::from_str(part), &JsValue::from_str(how)).ok()?;
        }
        let written = |start: &StartView| {
            let date = Date::new(&JsValue::from_f64(start.at.0 as f64));
            // `Sun, 22 Nov 2026, 02:30`: as on the rest of the page, the day of the week has no comma.
            String::from(date.to_locale_string("en-GB", &style)).replacen(", ", " ", 1)
        };
        // `America/New_York`: people know it by its place.
        let zone = zone.rsplit('/').next().unwrap_or_default().replace('_', " ");
        Some(Mine { zone, starts: starts.iter().map(written).collect() })
    }
}
