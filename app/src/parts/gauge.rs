//! Gauges of the two budgets. The figure comes first, in words; the picture is the second reading; the legend
//! explains it.

use leptos::prelude::*;

use super::{Words, figure, share_of};

/// Connections to Chargify: places filled while in use, hatched while withdrawn because answers are slow, dashed
/// while kept for the merchant's own systems. What is left of `all` is free.
#[component]
pub fn Slots(
    used: u8,
    #[prop(optional)] withdrawn: u8,
    #[prop(optional)] kept: u8,
    #[prop(default = 4)] all: u8,
) -> impl IntoView {
    let width = 100.0 / f64::from(all.max(1));
    let places = (0..all)
        .map(|place| {
            let (class, fill) = if place < used {
                ("used", None)
            } else if place >= all.saturating_sub(kept) {
                ("kept", None)
            } else if place >= all.saturating_sub(kept).saturating_sub(withdrawn) {
                ("withdrawn", Some("url(#p-hatch)"))
            } else {
                ("free", None)
            };
            let (x, width) = (format!("{:.2}%", f64::from(place) * width + 0.5), format!("{:.2}%", width - 1.0));
            view! { <rect class=class fill=fill x=x y="1" width=width height="10" rx="2" /> }
        })
        .collect_view();
    let withdrawn = (withdrawn > 0).then(|| {
        view! {
            <li>
                <Key class="withdrawn" fill="url(#p-hatch)" />
                {format!("{withdrawn} withdrawn: slow answers")}
            </li>
        }
    });
    let kept = (kept > 0).then(|| {
        view! {
            <li>
                <Key class="kept" fill="none" />
                {format!("{kept} kept for your own systems")}
            </li>
        }
    });
    view! {
        <div class="gauge">
            <p class="said">{format!("{used} of {all} ")} <small>"in use"</small></p>
            <svg class="slots" height="12" aria-hidden="true">
                {places}
            </svg>
            <ul class="legend">{withdrawn} {kept}</ul>
        </div>
    }
}

#[component]
fn Key(class: &'static str, fill: &'static str) -> impl IntoView {
    view! {
        <svg class="key slots" width="14" height="10" aria-hidden="true">
            <rect class=class fill=fill x="1" y="1" width="12" height="8" rx="1" />
        </svg>
    }
}

/// Tokens of GoHighLevel as a level, with the reserve for live changes marked. `what` follows the figure, `legend`
/// explains the reserve, `today` is the day's count.
#[component]
pub fn Level(
    left: u64,
    of: u64,
    #[prop(optional)] reserve: u64,
    #[prop(into)] what: Words,
    #[prop(optional, into)] legend: Words,
    #[prop(optional, into)] today: Words,
) -> impl IntoView {
    let tone = if left <= reserve { "tone-warn" } else { "tone-accent" };
    let mark = format!("{:.2}%", share_of(reserve, of));
    let mark = (reserve > 0).then(|| view! { <line class="mark" x1=mark.clone() x2=mark y1="-2" y2="14" /> });
    view! {
        <div class=format!("gauge {tone}")>
            <p class="said">{format!("{} of {} ", figure(left), figure(of))} <small>{what.get()}</small></p>
            <svg class="level" height="12" aria-hidden="true">
                <rect class="bed" width="100%" height="12" rx="2" />
                <rect class="held" width=format!("{:.2}%", share_of(left, of)) height="12" rx="2" />
                {mark}
            </svg>
            <ul class="legend">
                {legend.get().map(|legend| view! { <li>{legend}</li> })}
                {today.get().map(|today| view! { <li class="end">{today}</li> })}
            </ul>
        </div>
    }
}
