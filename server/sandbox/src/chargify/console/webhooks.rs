//! Endpoints with their health, the latest webhooks, and the test buttons.

use maud::{Markup, html};

use crate::chargify::Chargify;

/// Log lines on the page.
const SHOWN: usize = 50;

pub(super) fn page(site: &Chargify) -> Markup {
    let zone = site.site.zone;
    html! {
        @if !site.webhooks.enabled { p.warning { "Webhooks are switched off for this site." } }
        table {
            thead { tr { th { "Endpoint" } th { "Status" } th { "Failures in a row" } th { "Events" } } }
            tbody {
                @for endpoint in site.webhooks.endpoints.iter() {
                    tr {
                        td { (endpoint.url) }
                        td { (endpoint.health.status().name()) }
                        td { (endpoint.health.failures()) }
                        td { (endpoint.keys.len()) }
                    }
                }
            }
        }
        form method="post" action="/console/webhooks/test" { button { "Send a test" } }
        form method="post" action="/console/webhooks/sample" { button { "Send sample data with id 0" } }
        h2 { "Latest" }
        table {
            thead { tr { th { "Webhook" } th { "Event" } th { "State" } th { "Made" } th { "Last error" } } }
            tbody {
                @for row in site.webhooks.log().rev().take(SHOWN) {
                    tr {
                        td { code { (row.id) } }
                        td { (row.event) }
                        td { (row.state.name()) }
                        td { (zone.iso(row.created_at)) }
                        td { (row.last_error.as_ref().map(|(_, text)| text.as_str()).unwrap_or_default()) }
                    }
                }
            }
        }
    }
}
