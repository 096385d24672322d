//! The frame both consoles share: stylesheet, what is switched on, and the buttons that switch it.

use maud::{Markup, PreEscaped, html};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description};

use crate::service::ShellState;

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { max-width: 72rem; margin: 0 auto; padding: 1rem; }
header h1 { margin: 0; font-size: 1.3rem; }
header h1 a { color: inherit; text-decoration: none; }
.state { border: 1px solid; border-radius: .4rem; padding: .5rem .8rem; margin: .8rem 0; }
.state.on { background: #7c2d12; color: #fff; }
.state ul { margin: .3rem 0 0; padding-left: 1.2rem; }
.switches form { display: inline; }
button, a.button { font: inherit; padding: .3rem .7rem; border: 1px solid; border-radius: .3rem; background: none;
  color: inherit; text-decoration: none; cursor: pointer; }
button.danger { color: #b91c1c; }
input, select { font: inherit; padding: .3rem .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #8884; vertical-align: top; }
form.record { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: .6rem; align-items: end;
  margin: 1rem 0; }
form.record label span { display: block; font-size: .85rem; }
form.record input { width: 100%; box-sizing: border-box; }
.warning { border-left: .3rem solid #b91c1c; padding: .4rem .8rem; }
";

/// The switches, with the path each form posts to below `/_sandbox/switch/`.
const SWITCHES: &[(&str, &str)] = &[
    ("slow", "Slow: 3 s an answer"),
    ("storm", "429 storm"),
    ("outage", "Outage"),
    ("revoke", "Revoke key"),
    ("normal", "Back to normal"),
];

/// An instant, short to read and exact to a machine.
pub(crate) fn instant(at: OffsetDateTime) -> Markup {
    let short = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let utc = at.to_offset(UtcOffset::UTC);
    html! {
        time datetime=(utc.format(&Rfc3339).unwrap_or_default()) title="UTC" { (utc.format(short).unwrap_or_default()) }
    }
}

/// A whole page below the doctype.
pub(crate) fn frame(side: &str, title: &str, state: &ShellState, body: &Markup) -> Markup {
    html! {
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Without it a browser asks for one, and the counters show a call nobody made.
                link rel="icon" href="data:,";
                title { (title) " · " (side) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { a href="/" { (side) } } }
                (switched(state))
                main { h2 { (title) } (body) }
            }
        }
    }
}

fn switched(state: &ShellState) -> Markup {
    let troubled = !state.faults.is_empty() || state.key_revoked || state.delivery != Default::default();
    html! {
        section.state.on[troubled] aria-label="What is switched on" {
            @if troubled { strong { "Trouble is switched on" } } @else { strong { "Everything is normal" } }
            " · answers take " (state.latency)
            " · " (state.calls) " calls"
            " · webhooks go to " (state.webhook_target.as_deref().unwrap_or("nobody"))
            " (" (state.webhooks_acked) " taken, " (state.webhooks_failed) " given up)"
            @if troubled {
                ul {
                    @if state.key_revoked { li { "Every key is refused." } }
                    @for fault in &state.faults { li { (fault) } }
                    @if state.delivery != Default::default() {
                        li {
                            "Webhooks: " (state.delivery.drop * 100.0) " % dropped, "
                            (state.delivery.duplicate * 100.0) " % doubled, "
                            @if state.delivery.reorder { "out of order, " }
                            (state.delivery.delay_ms) " ms late."
                        }
                    }
                }
            }
        }
        div.switches {
            @for (name, label) in SWITCHES {
                form method="post" action={ "/_sandbox/switch/" (name) } { button { (label) } } " "
            }
        }
    }
}
