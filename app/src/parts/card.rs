//! Cards and the short lists inside them. Cards do not nest: inside one, hairlines divide.

use leptos::prelude::*;

use super::{Actions, Disc, Foot, Glyph, Half, Icon, Tone, Words};

/// A card: title (`h2`), one line of meaning, buttons on the right, content, small print. `flush` gives tables and
/// lists the whole width; otherwise the content has the card's padding.
#[component]
pub fn Card(
    #[prop(optional, into)] title: Words,
    #[prop(optional, into)] note: Words,
    #[prop(optional, into)] id: Words,
    #[prop(optional)] flush: bool,
    #[prop(optional)] actions: Option<Actions>,
    #[prop(optional)] foot: Option<Foot>,
    children: Children,
) -> impl IntoView {
    let head = (!title.is_empty()).then(|| {
        view! {
            <div class="card-head">
                <h2>{title.get()}</h2>
                {note.get().map(|note| view! { <p class="note">{note}</p> })}
                {super::slots::actions(actions)}
            </div>
        }
    });
    let content = children();
    let content = if flush { content } else { view! { <div class="card-body">{content}</div> }.into_any() };
    view! {
        <section class="card" id=id.get()>
            {head}
            {content}
            {foot.map(|foot| view! { <div class="card-foot">{(foot.children)()}</div> })}
        </section>
    }
}

/// A list of `Item`s. `plain` leaves out the dividing lines and the padding.
#[component]
pub fn Items(#[prop(optional)] plain: bool, children: Children) -> impl IntoView {
    view! { <ul class=if plain { "items plain" } else { "items" }>{children()}</ul> }
}

/// One line of a list: a mark, a name (a link when `href` is given), a second line, and what stands at the end
/// (children).
#[component]
pub fn Item(
    #[prop(into)] name: Words,
    #[prop(optional, into)] note: Words,
    #[prop(optional, into)] href: Words,
    #[prop(optional)] half: Option<Half>,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] current: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let mark = half.map(|half| view! { <Disc half=half /> });
    let glyph = glyph.map(|glyph| {
        view! {
            <span class=format!("toned {}", tone.class())>
                <Icon glyph=glyph />
            </span>
        }
    });
    let words = view! {
        <span dir="auto">{name.get()}</span>
        {note.get().map(|note| view! { <span>{note}</span> })}
    };
    let words = match href.get() {
        Some(href) => view! {
            <a class="grow" href=href>
                {words}
            </a>
        }
        .into_any(),
        None => view! { <div class="grow">{words}</div> }.into_any(),
    };
    view! {
        <li aria-current=current.then_some("true")>
            {mark}
            {glyph}
            {words}
            {children.map(|children| children())}
        </li>
    }
}

/// Things a person has to do, most pressing first. Holds `Ask`s.
#[component]
pub fn Asks(children: Children) -> impl IntoView {
    view! { <ul class="asks">{children()}</ul> }
}

/// One thing to do: what happened, whether the data is safe, and the button that puts it right (children).
#[component]
pub fn Ask(
    tone: Tone,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(into)] what: Words,
    #[prop(into)] safety: Words,
    children: Children,
) -> impl IntoView {
    view! {
        <li class=tone.class()>
            <Icon glyph=glyph.unwrap_or(tone.glyph()) />
            <div>
                <b>{what.get()}</b>
                <p>{safety.get()}</p>
            </div>
            {children()}
        </li>
    }
}

/// Names and values. Holds `Fact`s; `small` sets them in the small size.
#[component]
pub fn Facts(#[prop(optional)] small: bool, children: Children) -> impl IntoView {
    view! { <dl class=if small { "facts small" } else { "facts" }>{children()}</dl> }
}

/// One name with its value, given as `value` or as children.
#[component]
pub fn Fact(
    #[prop(into)] name: Words,
    #[prop(optional, into)] value: Words,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <dt>{name.get()}</dt>
        <dd dir="auto">{value.get()} {children.map(|children| children())}</dd>
    }
}
