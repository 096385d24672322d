//! Notices and toasts. A notice says three things in this order: what happened, whether the data is safe, what to
//! press. Errors are notices; a toast only confirms, and offers the way back.

use leptos::prelude::*;

use super::{Actions, Glyph, Icon, Tone, Words};

/// A message in the flow of the page. `what` is bold, `safety` follows it, `Actions` holds one button. `live`
/// announces it to readers when it appears in answer to something the person did.
#[component]
pub fn Notice(
    tone: Tone,
    #[prop(into)] what: Words,
    #[prop(optional, into)] safety: Words,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(optional)] live: bool,
    #[prop(optional)] actions: Option<Actions>,
) -> impl IntoView {
    let role = live.then_some(if tone == Tone::Bad { "alert" } else { "status" });
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            <Icon glyph=glyph.unwrap_or(tone.glyph()) />
            <p class="said">
                <b>{what.get()}</b>
                {safety.get().map(|safety| format!(" {safety}"))}
            </p>
            {super::slots::actions(actions)}
        </div>
    }
}

/// A short confirmation at the bottom left. `still` keeps it in the flow, for pages without a script.
#[component]
pub fn Toast(
    tone: Tone,
    #[prop(into)] text: Words,
    #[prop(optional)] still: bool,
    #[prop(optional)] actions: Option<Actions>,
) -> impl IntoView {
    view! {
        <div class=format!("toast {}{}", tone.class(), if still { " still" } else { "" }) role="status">
            <Icon glyph=tone.glyph() />
            <span class="said">{text.get()}</span>
            {super::slots::actions(actions)}
        </div>
    }
}
