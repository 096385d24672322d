//! The console: pages a person uses to look at the site and to edit it, as its user would. Every edit has the events
//! and webhooks the same edit has in the service.

mod customer;
mod webhooks;

use http::Method;
use maud::{DOCTYPE, Markup, html};
use time::OffsetDateTime;

use super::{
    Chargify,
    customers::{Change, DateField},
    metafields::Owner,
    products::Product,
    subscriptions::{Signup, SubscriptionState},
    zone::Window,
};
use crate::{
    page,
    request::{Reply, Request, encode},
    service::ShellState,
};

/// Customers on one page.
const PAGE: usize = 25;

/// Attributes with a box in the form.
const BOXES: [(&str, &str); 14] = [
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("organization", "Organization"),
    ("reference", "Reference"),
    ("address", "Address"),
    ("address_2", "Address, second line"),
    ("city", "City"),
    ("state", "State"),
    ("zip", "Zip"),
    ("country", "Country"),
    ("cc_emails", "CC e-mails"),
    ("vat_number", "VAT number"),
];

impl Chargify {
    pub(super) fn show_console(&mut self, request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply {
        let mut state = state.clone();
        if state.webhook_target.is_none() {
            // Endpoints made through the API are targets too, which the shell does not know of.
            let urls: Vec<&str> = self.webhooks.endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect();
            state.webhook_target = (!urls.is_empty()).then(|| urls.join(", "));
        }
        let state = &state;
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if request.method == Method::POST {
            return self.handle_form(&parts, request, state, now);
        }
        let (title, body) = match parts.as_slice() {
            [] | ["console"] => ("Customers", self.customers_page(request)),
            ["console", "new"] => ("New customer", customer::form(None, None)),
            ["console", "webhooks"] => ("Webhooks", webhooks::page(self)),
            ["console", "customers", id] => match id.parse().ok().and_then(|id| self.customers.get(id)) {
                Some(found) => ("Edit customer", customer::editor(self, found)),
                None => return shown(404, state, "Gone", &html! { p { "There is no such customer." } }),
            },
            _ => return shown(404, state, "Not here", &html! { p { "There is no such page." } }),
        };
        shown(200, state, title, &body)
    }

    fn handle_form(&mut self, parts: &[&str], request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply {
        let done = match parts {
            ["console", "new"] => return self.save(None, request, state, now),
            ["console", "webhooks", "test"] => {
                self.send_test_webhook(now);
                Some("/console/webhooks".to_owned())
            }
            ["console", "webhooks", "sample"] => {
                self.send_sample_webhook(now);
                Some("/console/webhooks".to_owned())
            }
            ["console", "customers", id] => {
                let Ok(id) = id.parse() else { return Reply::see_other("/") };
                return self.save(Some(id), request, state, now);
            }
            ["console", "customers", id, action] => {
                id.parse().ok().and_then(|id| self.customer_action(id, action, request, now))
            }
            ["console", "subscriptions", id, action] => {
                id.parse().ok().and_then(|id| self.subscription_action(id, action, request, now))
            }
            _ => None,
        };
        match done {
            Some(location) => Reply::see_other(&location),
            None => shown(422, state, "Not done", &html! { p.warning role="alert" { "The service refuses this." } }),
        }
    }

    fn save(&mut self, id: Option<i64>, request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply {
        let mut change = Change::default();
        for (field, text) in request.form() {
            // An empty box of a new customer was not filled in; in an old one it clears.
            let known = id.and_then(|id| self.customers.get(id)).is_some_and(|row| row.text(&field).is_some());
            if known || !text.is_empty() {
                change = change.with(&field, &text);
            }
        }
        let saved = match id {
            Some(id) if self.customers.get(id).is_none() => return Reply::see_other("/"),
            Some(id) => self.edit_customer(id, change, now).map(|_| id),
            None => self.add_customer(change, now),
        };
        match saved {
            Ok(id) => Reply::see_other(&format!("/console/customers/{id}")),
            Err(problems) => {
                let before = id.and_then(|id| self.customers.get(id));
                shown(422, state, "Not saved", &customer::form(before, Some(&problems.join(" "))))
            }
        }
    }

    fn customer_action(&mut self, id: i64, action: &str, request: &Request, now: OffsetDateTime) -> Option<String> {
        let here = format!("/console/customers/{id}");
        self.customers.get(id)?;
        match action {
            "delete" => self.remove_customer(id, now).is_ok_and(|gone| gone).then(|| "/".to_owned()),
            "field" => {
                let wish = ["name", "value"].map(|key| (key.to_owned(), field(request, key).into()));
                self.set_metadata(Owner::Customer, id, &[wish.into_iter().collect()], now).ok()?;
                Some(here)
            }
            "subscribe" => {
                let signup = Signup {
                    customer_id: id,
                    product: Product::find(None, Some(&field(request, "product")))?,
                    state: SubscriptionState::Active,
                    reference: None,
                    collection_method: "remittance".to_owned(),
                };
                self.add_subscription(signup, now);
                Some(here)
            }
            _ => None,
        }
    }

    fn subscription_action(&mut self, id: i64, action: &str, request: &Request, now: OffsetDateTime) -> Option<String> {
        let customer_id = self.subscriptions.get(id)?.customer_id;
        match action {
            "state" => {
                self.set_subscription_state(id, SubscriptionState::from_name(&field(request, "state"))?, now);
            }
            "fail" => {
                self.fail_payment(id, now);
            }
            "pay" => {
                self.take_payment(id, now);
            }
            "product" => {
                self.change_product(id, Product::find(None, Some(&field(request, "product")))?, now);
            }
            "note" => {
                let body = field(request, "body");
                (!body.trim().is_empty()).then(|| self.notes.add(id, &body, false, now))?;
            }
            _ => return None,
        }
        Some(format!("/console/customers/{customer_id}"))
    }

    fn customers_page(&self, request: &Request) -> Markup {
        let query = request.param("q").unwrap_or_default();
        let page = request.param("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1).max(1);
        let search = Some(query).filter(|query| !query.is_empty());
        let ids = self.customers.select(DateField::None, Window::default(), search);
        let total = ids.len();
        let rows = ids.into_iter().rev().skip((page - 1) * PAGE).take(PAGE).filter_map(|id| self.customers.get(id));
        html! {
            form method="get" action="/" {
                input type="search" name="q" value=(query) placeholder="Name, e-mail, organization, reference"
                    aria-label="Search" dir="auto";
                " "
                button { "Search" }
                " "
                a.button href="/console/new" { "New customer" }
                " "
                a.button href="/console/webhooks" { "Webhooks" }
            }
            p { (total) " customers, newest first" }
            table {
                thead {
                    tr { th { "Name" } th { "E-mail" } th { "Organization" } th { "Reference" } th { "Subscriptions" }
                        th { "Changed" } }
                }
                tbody {
                    @for row in rows {
                        tr {
                            td { a href={ "/console/customers/" (row.id) } { bdi { (row.name()) } } }
                            td { (row.text_or_blank("email")) }
                            td { bdi { (row.text_or_blank("organization")) } }
                            td { bdi { (row.text_or_blank("reference")) } }
                            td { (self.subscriptions.of_customer(row.id).map(|one| one.state.name()).collect::<Vec<_>>().join(", ")) }
                            td { (self.site.zone.short(row.updated_at)) }
                        }
                    }
                }
            }
            nav aria-label="Pages" {
                @if page > 1 { a href={ "/?page=" (page - 1) "&q=" (encode(query)) } { "Previous" } }
                " Page " (page) " of " (total.div_ceil(PAGE).max(1)) " "
                @if page * PAGE < total { a href={ "/?page=" (page + 1) "&q=" (encode(query)) } { "Next" } }
            }
        }
    }
}

fn field(request: &Request, name: &str) -> String {
    request.form().into_iter().find(|(key, _)| key == name).map(|(_, text)| text).unwrap_or_default()
}

fn shown(status: u16, state: &ShellState, title: &str, body: &Markup) -> Reply {
    let markup = html! { (DOCTYPE) (page::frame("Chargify sandbox", title, state, body)) };
    Reply::html(status, markup.into_string())
}
