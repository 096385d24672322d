//! One line of the trail, opened: the sentence, what changed, what it led to, its place in the chain, and the stored text.

use domain::{
    Side,
    view::{AuditLineView, ChangeView},
};
use leptos::prelude::*;

use super::{super::records::SideId, action_words, outcome};
use crate::{
    page::{capital, encoded},
    parts::{
        Change, Drawer, DrawerPart, Fact, Facts, Foot, Half, Items, More, SettingChange, SideName, State, exact,
        figure, shortened,
    },
};

/// Who did it, as people call them.
pub(super) fn who(line: &AuditLineView) -> String {
    match (line.actor.as_str(), line.actor_name.as_str()) {
        ("system", _) => "Concord".to_owned(),
        (actor, "") => actor.to_owned(),
        (_, name) => begun(name),
    }
}

/// Words with a capital letter, unless they begin with an e-mail address.
pub(in crate::pages) fn begun(words: &str) -> String {
    let address = words.split(' ').next().is_some_and(|first| first.contains('@'));
    if address { words.to_owned() } else { capital(words) }
}

/// The line beside the list.
#[component]
pub(super) fn OneLine(line: AuditLineView, close: String) -> impl IntoView {
    let (tone, glyph, word) = outcome(&line.outcome);
    let at = exact(line.at.instant());
    let title = action_words(&line.action);
    let sentence = format!("{}.", begun(line.words.trim_end_matches('.')));
    let changes = (!line.changes.is_empty()).then(|| {
        let changes = line.changes.iter().cloned().map(|change| view! { <Changed change=change /> }).collect_view();
        view! { <DrawerPart title="What changed">{changes}</DrawerPart> }
    });
    let about = view! { <About line=line.clone() /> };
    view! {
        <Drawer title=title note=at close=close>
            <DrawerPart>
                <p dir="auto">{sentence}</p>
            </DrawerPart>
            {changes}
            {about}
            <DrawerPart title="The line itself">
                <Itself line=line />
            </DrawerPart>
            <Foot slot>
                <State tone=tone glyph=glyph text=word />
            </Foot>
        </Drawer>
    }
}

/// Number, names and place in the chain, and the stored text one press away.
#[component]
fn Itself(line: AuditLineView) -> impl IntoView {
    let who = who(&line);
    let AuditLineView { line_no, action, subject: about, hash, previous_hash, detail, .. } = line;
    let short = subject(&about);
    let (hash_short, previous_short) = (shortened(&hash, 6), shortened(&previous_hash, 6));
    view! {
        <Facts small=true>
            <Fact name="Line" value=figure(line_no) />
            <Fact name="Who" value=who />
            <Fact name="Name">
                <code>{action}</code>
            </Fact>
            <Fact name="About">
                <code title=about>{short}</code>
            </Fact>
            <Fact name="Hash">
                <code title=hash>{hash_short}</code>
            </Fact>
            <Fact name="Follows">
                <code title=previous_hash>{previous_short}</code>
            </Fact>
        </Facts>
        <More summary="As JSON">
            <pre>{spread(&detail)}</pre>
        </More>
    }
}

/// `kind:id` with the middle of a long id left out.
fn subject(subject: &str) -> String {
    match subject.split_once(':') {
        Some((kind, id)) => format!("{kind}:{}", shortened(id, 6)),
        None => shortened(subject, 8),
    }
}

/// The stored text, spread over lines; as it is when it is not JSON.
fn spread(detail: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(detail);
    value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| detail.to_owned())
}

#[component]
fn Changed(change: ChangeView) -> impl IntoView {
    let half = match change.side.as_str() {
        "highlevel" => Some(Half::HighLevel),
        "chargify" => Some(Half::Chargify),
        _ => None,
    };
    view! {
        <div>
            {half.map(|half| view! { <SideName half=half /> })}
            <SettingChange change=Change::new(change.field, change.before, change.after) />
        </div>
    }
}

/// The run, and the record on either side, that the line is about.
#[component]
fn About(line: AuditLineView) -> impl IntoView {
    let AuditLineView { run_number, contact_id, customer_id, .. } = line;
    if run_number.is_none() && contact_id.is_none() && customer_id.is_none() {
        return ().into_any();
    }
    let run =
        run_number.map(|number| view! { <li><a href=format!("/runs/{number}")>{format!("Run {number}")}</a></li> });
    let found = |side: Side, id: Option<String>| {
        id.map(|id| {
            let href = format!("/records?q={}", encoded(&id));
            view! {
                <li>
                    <a href=href>
                        <SideId side=side id=Some(id) />
                    </a>
                </li>
            }
        })
    };
    let contact = found(Side::Highlevel, contact_id);
    let customer = found(Side::Chargify, customer_id);
    view! {
        <DrawerPart title="What it was about">
            <Items plain=true>{run} {contact} {customer}</Items>
        </DrawerPart>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_is_spread_over_lines_and_never_lost() {
        assert_eq!(spread("{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(spread("not json"), "not json");
    }

    #[test]
    fn an_address_keeps_its_letters() {
        assert_eq!(begun("run 1 changed phone"), "Run 1 changed phone");
        assert_eq!(begun("ada@example.com signed in"), "ada@example.com signed in");
    }

    #[test]
    fn a_subject_keeps_its_kind() {
        assert_eq!(subject("sync:7c1e55aa0193a94f7c1e55aa0193a94f"), "sync:7c1e55…93a94f");
    }
}
