//! The console: pages a person uses to look at the location and to edit it, as its user would.

use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Contact, HighLevel};
use crate::{
    page,
    request::{Reply, Request, encode},
    service::ShellState,
};

const PAGE: usize = 25;

/// Properties with a box in the form.
const BOXES: &[(&str, &str)] = &[
    ("firstName", "First name"),
    ("lastName", "Last name"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("companyName", "Company"),
    ("address1", "Address"),
    ("city", "City"),
    ("state", "State"),
    ("postalCode", "Postal code"),
    ("country", "Country"),
];

/// Answers a page or a form of the console.
pub(super) fn answer(side: &mut HighLevel, request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", [] | ["console"]) => list(side, request, state),
        ("GET", ["console", "new"]) => shown(200, state, "New contact", &form(None, None)),
        ("POST", ["console", "new"]) => saved(side.add_contact(&properties(request), now), None, state),
        ("GET", ["console", "contacts", id]) => match side.contact(id) {
            Some(contact) => {
                let saved = request.param("saved").is_some();
                shown(200, state, "Edit contact", &editor(side, contact, saved))
            }
            None => shown(404, state, "Gone", &html! { p { "There is no such contact." } }),
        },
        ("POST", ["console", "contacts", id]) => {
            let done = side.edit_contact(id, &properties(request), now);
            saved(done, side.contact(id), state)
        }
        ("POST", ["console", "contacts", id, "delete"]) => {
            let gone = side.delete_contact(id, now).is_ok();
            Reply::see_other(if gone { "/?deleted=1" } else { "/" })
        }
        ("POST", ["console", "contacts", id, "note"]) => {
            let text = request.form().into_iter().find(|(key, _)| key == "body").map(|(_, text)| text);
            let noted = text.is_some_and(|text| side.add_note(id, &text, now).is_ok());
            Reply::see_other(&if noted { format!("/console/contacts/{id}") } else { "/".to_owned() })
        }
        _ => shown(404, state, "Not here", &html! { p { "There is no such page." } }),
    }
}

fn saved(done: Result<Contact, (u16, Value)>, before: Option<&Contact>, state: &ShellState) -> Reply {
    match done {
        Ok(contact) => Reply::see_other(&format!("/console/contacts/{}?saved=1", contact.id)),
        Err((status, body)) => {
            let why = match body.get("message") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
                _ => "The change was refused.".to_owned(),
            };
            shown(status, state, "Not saved", &form(before, Some(&why)))
        }
    }
}

/// The form's boxes as the API's properties; an empty box clears.
fn properties(request: &Request) -> Value {
    let mut map = Map::new();
    for (key, text) in request.form() {
        if BOXES.iter().any(|(name, _)| *name == key) {
            map.insert(key, Value::String(text));
        } else if key == "tags" {
            map.insert(key, text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from).collect());
        }
    }
    Value::Object(map)
}

fn list(side: &HighLevel, request: &Request, state: &ShellState) -> Reply {
    let query = request.param("q").unwrap_or_default().to_lowercase();
    let page = request.param("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1).max(1);
    let Some(location) = side.main() else { return Reply::empty(404) };
    let mut rows: Vec<&Contact> = location
        .book
        .iter()
        .map(AsRef::as_ref)
        .filter(|contact| query.is_empty() || super::filter::mentions(contact, &query))
        .collect();
    rows.sort_unstable_by_key(|contact| std::cmp::Reverse(contact.date_updated));
    let total = rows.len();
    let shown_rows = rows.into_iter().skip((page - 1) * PAGE).take(PAGE);
    let body = html! {
        form method="get" action="/" {
            input type="search" name="q" value=(query) placeholder="Name, e-mail, phone, company" aria-label="Search";
            button { "Search" }
            a.button href="/console/new" { "New contact" }
        }
        p { (total) " contacts" }
        table {
            thead { tr { th { "Name" } th { "E-mail" } th { "Phone" } th { "Company" } th { "Tags" } th { "Changed" } } }
            tbody {
                @for contact in shown_rows {
                    tr {
                        td { a href={ "/console/contacts/" (contact.id) } { bdi { (contact.name().unwrap_or_else(|| "(no name)".to_owned())) } } }
                        td { (contact.email.as_deref().unwrap_or_default()) }
                        td { (contact.phone.as_deref().unwrap_or_default()) }
                        td { bdi { (contact.company_name.as_deref().unwrap_or_default()) } }
                        td { (contact.tags.join(", ")) }
                        td { (page::instant(contact.date_updated)) }
                    }
                }
            }
        }
        nav {
            @if page > 1 { a href={ "/?page=" (page - 1) "&q=" (encode(&query)) } { "Previous" } }
            " Page " (page) " of " (total.div_ceil(PAGE).max(1)) " "
            @if page * PAGE < total { a href={ "/?page=" (page + 1) "&q=" (encode(&query)) } { "Next" } }
        }
    };
    shown(200, state, "Contacts", &body)
}

fn form(contact: Option<&Contact>, why: Option<&str>) -> Markup {
    let values = contact.map(Contact::full);
    let text = |key: &str| values.as_ref().and_then(|map| map.get(key)).and_then(Value::as_str).unwrap_or_default();
    let action = contact.map_or("/console/new".to_owned(), |contact| format!("/console/contacts/{}", contact.id));
    html! {
        @if let Some(why) = why { p.warning role="alert" { (why) } }
        form.record method="post" action=(action) {
            @for (key, label) in BOXES {
                label { span { (label) } input name=(key) value=(text(key)) dir="auto"; }
            }
            label { span { "Tags, with commas" }
                input name="tags" value=(contact.map(|contact| contact.tags.join(", ")).unwrap_or_default()); }
            button { "Save" }
        }
    }
}

fn editor(side: &HighLevel, contact: &Contact, saved: bool) -> Markup {
    let notes = side.main().and_then(|location| location.notes.get(&contact.id));
    html! {
        @if saved { p role="status" { "Saved. Whoever listens to webhooks is told." } }
        p { "Contact " code { (contact.id) } ", changed " (page::instant(contact.date_updated)) }
        (form(Some(contact), None))
        h2 { "Notes" }
        ul { @for note in notes.into_iter().flatten() { li { bdi { (note.body) } } } }
        form method="post" action={ "/console/contacts/" (contact.id) "/note" } {
            input name="body" required aria-label="Note" placeholder="A note";
            button { "Add note" }
        }
        form method="post" action={ "/console/contacts/" (contact.id) "/delete" } { button.danger { "Delete contact" } }
    }
}

fn shown(status: u16, state: &ShellState, title: &str, body: &Markup) -> Reply {
    let markup = html! { (DOCTYPE) (page::frame("GoHighLevel sandbox", title, state, body)) };
    Reply::html(status, markup.into_string())
}
