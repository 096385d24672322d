//! Bars. Widths come from the data, so bars are SVG: a style attribute is forbidden by the content security policy.
//! A bar is always the second reading; the figures stand in words beside it, and the drawing is hidden from readers.

use leptos::prelude::*;

use super::{Disc, Half, Icon, Tone, Words, percent, share_of};

/// One part of a bar.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// How much of the whole.
    pub count: u64,
    pub tone: Tone,
    /// Hatched instead of filled: what takes no part.
    pub hatched: bool,
}

impl Part {
    /// A filled part.
    pub fn new(count: u64, tone: Tone) -> Self {
        Self { count, tone, hatched: false }
    }

    /// A hatched part.
    pub fn hatched(count: u64) -> Self {
        Self { count, tone: Tone::Idle, hatched: true }
    }
}

/// The smallest width of a part that is not nothing, in percent: fourteen of eight thousand must still be seen.
const LEAST: f64 = 1.2;

/// Where each part starts and how wide it is, in percent of the bar. Small parts are widened, large ones pay for it.
fn laid_out(parts: &[Part], whole: u64) -> Vec<(Part, f64, f64)> {
    let wanted: Vec<f64> =
        parts.iter().map(|part| if part.count == 0 { 0.0 } else { share_of(part.count, whole).max(LEAST) }).collect();
    let sum: f64 = wanted.iter().sum();
    let squeeze = if sum > 100.0 { 100.0 / sum } else { 1.0 };
    let mut start = 0.0;
    let mut laid = Vec::with_capacity(parts.len());
    for (part, wanted) in parts.iter().zip(wanted).filter(|(part, _)| part.count > 0) {
        let width = wanted * squeeze;
        laid.push((*part, start, width));
        start += width;
    }
    laid
}

/// A whole divided into parts, in their order. What the parts leave over stays the colour of the bed. `thin` halves
/// its height.
#[component]
pub fn Bar(parts: Vec<Part>, whole: u64, #[prop(optional)] thin: bool) -> impl IntoView {
    let parts = laid_out(&parts, whole)
        .into_iter()
        .map(|(part, start, width)| {
            let class = if part.hatched { "hatch".to_owned() } else { format!("part {}", part.tone.class()) };
            let fill = part.hatched.then_some("url(#p-ticks)");
            view! { <rect class=class fill=fill x=format!("{start:.2}%") width=format!("{width:.2}%") height="100%" /> }
        })
        .collect_view();
    view! {
        <svg class=if thin { "bar thin" } else { "bar" } height=if thin { "4" } else { "8" } aria-hidden="true">
            <rect class="bed" width="100%" height="100%" />
            {parts}
        </svg>
    }
}

/// A share in words with a thin bar under it: `11,949 of 12,189 pairs in step   98.0 %`.
#[component]
pub fn Share(
    part: u64,
    whole: u64,
    #[prop(into)] what: Words,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] half: Option<Half>,
) -> impl IntoView {
    view! {
        <div class=format!("share {}", tone.class())>
            <div class="said">
                {half.map(|half| view! { <Disc half=half /> })}
                <b>{format!("{} of {}", super::figure(part), super::figure(whole))}</b>
                <span class="quiet">{what.get()}</span>
                <span class="end">{percent(part, whole)}</span>
            </div>
            <Bar parts=vec![Part::new(part, tone)] whole=whole thin=true />
        </div>
    }
}

/// A share in a table cell: percent, bar, and the figures as a second line.
#[component]
pub fn ShareCell(part: u64, whole: u64, #[prop(into)] what: Words, #[prop(optional)] tone: Tone) -> impl IntoView {
    view! {
        <div class="share inline">
            <span class="strong nowrap">{percent(part, whole)}</span>
            <Bar parts=vec![Part::new(part, tone)] whole=whole thin=true />
            <span class="meta note">{format!("{} of {} {}", super::figure(part), super::figure(whole), what.text())}</span>
        </div>
    }
}

/// One reason with its count: how many records it left out, and where they are listed.
#[derive(Clone, Debug)]
pub struct Reason {
    pub text: String,
    pub count: u64,
    pub href: Option<String>,
}

/// Reasons as a list with bars, each measured against `whole`.
#[component]
pub fn Reasons(reasons: Vec<Reason>, whole: u64) -> impl IntoView {
    let lines = reasons
        .into_iter()
        .map(|Reason { text, count, href }| {
            let text = match href {
                Some(href) => view! { <a href=href>{text}</a> }.into_any(),
                None => view! { <span>{text}</span> }.into_any(),
            };
            view! {
                <li>
                    {text}
                    <Bar parts=vec![Part::new(count, Tone::Idle)] whole=whole thin=true />
                    <span class="figure">{super::figure(count)}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="reasons">{lines}</ul> }
}

/// One column of the small chart.
#[derive(Clone, Debug)]
pub struct Column {
    /// When, or what: `15:00`.
    pub name: String,
    pub count: u64,
}

/// A small bar chart; the last column is now. `caption` says what is counted; the figures are read aloud as a list.
/// `scale` are the words under the chart, spread evenly.
#[component]
pub fn Chart(#[prop(into)] caption: Words, columns: Vec<Column>, scale: Vec<String>) -> impl IntoView {
    let highest = columns.iter().map(|column| column.count).max().unwrap_or(0);
    let step = 100.0 / columns.len().max(1) as f64;
    let last = columns.len().saturating_sub(1);
    let bars = columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let height = if column.count == 0 { 0.0 } else { share_of(column.count, highest).max(2.0) };
            let class = if place == last { "column now" } else { "column" };
            let (x, y, width) = (place as f64 * step + step * 0.12, 100.0 - height, step * 0.76);
            view! {
                <rect class=class x=format!("{x:.2}%") y=format!("{y:.1}%") width=format!("{width:.2}%") height=format!("{height:.1}%") rx="1" />
            }
        })
        .collect_view();
    let spoken = columns
        .iter()
        .map(|column| view! { <li>{format!("{}: {}", column.name, super::figure(column.count))}</li> })
        .collect_view();
    let scale = scale.into_iter().map(|word| view! { <span>{word}</span> }).collect_view();
    view! {
        <figure>
            <figcaption class="hidden">{caption.get()}</figcaption>
            <svg class="chart" height="64" aria-hidden="true">
                {bars}
                <line class="ground" x1="0" x2="100%" y1="100%" y2="100%" />
            </svg>
            <div class="chart-scale" aria-hidden="true">
                {scale}
            </div>
            <ul class="hidden">{spoken}</ul>
        </figure>
    }
}

/// The line that closes a sum: whether what was read is all accounted for.
#[component]
pub fn Balance(
    read: u64,
    accounted: u64,
    /// What was counted: "read", "in".
    #[prop(default = "read")]
    what: &'static str,
) -> impl IntoView {
    let (tone, text) = if read == accounted {
        (Tone::Ok, format!("Balances: {} {what}, {} accounted for", super::figure(read), super::figure(accounted)))
    } else {
        let missing = super::figure(i128::from(read).abs_diff(i128::from(accounted)) as u64);
        let text = format!(
            "Does not balance: {} {what}, {} accounted for, {missing} apart",
            super::figure(read),
            super::figure(accounted)
        );
        (Tone::Bad, text)
    };
    let glyph = if tone == Tone::Ok { super::Glyph::Check } else { super::Glyph::Failed };
    view! {
        <span class=format!("balance {}", tone.class())>
            <Icon glyph=glyph />
            {text}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_part_is_seen_and_the_bar_is_never_overfull() {
        let parts = [Part::new(8_398, Tone::Ok), Part::new(0, Tone::Warn), Part::new(14, Tone::Bad)];
        let laid = laid_out(&parts, 8_412);
        assert_eq!(laid.len(), 2);
        assert!(laid.iter().all(|(_, _, width)| *width > 1.0));
        let end = laid.last().map(|(_, start, width)| start + width).unwrap_or_default();
        assert!(end <= 100.001, "{end}");
    }

    #[test]
    fn nothing_of_nothing_is_an_empty_bar() {
        assert!(laid_out(&[Part::new(0, Tone::Ok)], 0).is_empty());
    }
}
