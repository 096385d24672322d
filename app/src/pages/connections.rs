//! Connections: what is connected, how it stands, and how to add or repair it.

pub mod add;
pub mod app;
pub mod denied;
pub mod one;
pub mod webhooks;
pub mod workflows;

use domain::{Right, view::ConnectionView};
use leptos::prelude::*;
use time::OffsetDateTime;

use self::denied::NotInstalled;
use super::standing;
use crate::{
    AppError, page,
    parts::{
        Actions, Card, Cell, Col, Empty, Figure, Frame, Glyph, Head, LinkButton, Moment, Name, Place, Press, Row,
        SideName, State, Table,
    },
};

/// The workspace's connections.
#[server(endpoint = "connections")]
pub async fn connections() -> Result<Vec<ConnectionView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.connections(&viewer).await?)
}

/// The list of connections.
#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let done = page::query("done");
    page::loaded("Connections", connections(), move |seen, connections| {
        let now = seen.now();
        let add = seen.lacks(Right::ManageConnections).is_none().then(|| {
            view! { <LinkButton text="Add a connection" href="/connections/new" press=Press::Primary glyph=Glyph::Plus /> }
        });
        view! {
            <Frame here=Place::Connections viewer=seen.viewer()>
                <Head
                    title="Connections"
                    lead_text="One GoHighLevel location or one Chargify site each. Credentials are sealed: they can be replaced, never read."
                >
                    <Actions slot>{add}</Actions>
                </Head>
                <NotInstalled done=done.clone() />
                <List connections=connections now=now />
            </Frame>
        }
        .into_any()
    })
}

#[component]
fn List(connections: Vec<ConnectionView>, now: OffsetDateTime) -> impl IntoView {
    if connections.is_empty() {
        return view! {
            <Card flush=true>
                <Empty
                    what="Nothing is connected yet"
                    meaning="Start with GoHighLevel: you need the location id and a private integration token, or an app of the Marketplace. Then Chargify: the subdomain and an API key. Connecting reads and writes no record."
                >
                    <Actions slot>
                        <LinkButton text="Connect GoHighLevel" href="/connections/new?side=highlevel" />
                        <LinkButton text="Connect Chargify" href="/connections/new?side=chargify" />
                    </Actions>
                </Empty>
            </Card>
        }
        .into_any();
    }
    let columns = vec![
        Col::text("Connection"),
        Col::text("Side"),
        Col::text("State"),
        Col::figure("Calls today"),
        Col::figure("Median answer"),
        Col::text("Last webhook"),
    ];
    let rows = connections
        .into_iter()
        .map(|connection| {
            let standing = standing::of_connection(&connection);
            let detail = connection.state_detail.filter(|_| connection.state != "healthy");
            let detail = detail.as_deref().map(page::first_sentence);
            let median = connection.median_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
            let webhook = match connection.last_webhook_at {
                Some(at) => view! { <Moment at=at.instant() now=now /> }.into_any(),
                None => view! { <span class="quiet">"none yet"</span> }.into_any(),
            };
            view! {
                <Row>
                    <Name text=connection.name href=format!("/connections/{}", connection.id) sub=connection.account />
                    <Cell label="Side">
                        <SideName half=standing::half(connection.side) />
                    </Cell>
                    <Cell label="State" sub=detail>
                        <State tone=standing.tone glyph=standing.glyph text=standing.word />
                    </Cell>
                    <Figure label="Calls today" value=connection.calls_today />
                    <Figure label="Median answer" value=median />
                    <Cell label="Last webhook">{webhook}</Cell>
                </Row>
            }
        })
        .collect_view();
    view! {
        <Card flush=true>
            <Table caption="Connections" columns=columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}
