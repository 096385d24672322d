//! Records: find a person by name, e-mail, phone or id, and see how each pair stands.

use domain::{
    Side,
    view::{PairState, RecordFilter, RecordPageView, RecordRowView},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::standing;
use crate::{
    AppError,
    page::{self, Seen, encoded},
    parts::{
        Actions, Card, Cell, Choice, Col, Disc, Empty, Filter, Frame, Glyph, Half, Head, LinkButton, Moment, Name,
        Pager, Pair, Place, Press, Row, Search, Select, State, Table, Words, counted, figure, shortened,
    },
};

pub mod billing;
pub mod engagements;
pub mod gone;
pub mod one;
pub mod question;
pub mod resync;

/// What can be asked for in the list, and how it is said there.
const STATES: [(&str, &str); 8] = [
    ("", "Any state"),
    ("in_step", "In step"),
    ("drifted", "Differs"),
    ("waiting", "Waits for a decision"),
    ("failed", "Failed"),
    ("left_out", "Left out"),
    ("unpaired", "No pair yet"),
    ("gone", "Deleted"),
];

/// A page of records that pass the filter.
#[server(endpoint = "records-page")]
pub async fn records_page(#[server(default)] filter: RecordFilter) -> Result<RecordPageView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.records(&viewer, &filter).await?)
}

/// What the page's address asks for.
fn asked() -> RecordFilter {
    let state = page::query("state");
    let known = STATES.iter().any(|(value, _)| *value == state);
    RecordFilter {
        search: page::query("q").trim().to_owned(),
        sync: page::query("sync"),
        state: if known { state } else { String::new() },
        after: page::query("after"),
    }
}

/// The address of such a list, from the record that `after` names onwards.
fn list_address(asked: &RecordFilter, after: &str) -> String {
    let parts = [("q", asked.search.as_str()), ("sync", &asked.sync), ("state", &asked.state), ("after", after)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if parts.is_empty() { "/records".to_owned() } else { format!("/records?{}", parts.join("&")) }
}

fn is_narrowed(asked: &RecordFilter) -> bool {
    !asked.search.is_empty() || !asked.sync.is_empty() || !asked.state.is_empty()
}

/// The record that a page is about, as its address names it.
#[derive(Clone, Debug)]
pub struct Which {
    sync: String,
    side: String,
    id: String,
}

impl Which {
    fn from_address() -> Self {
        Self { sync: page::param("sync"), side: page::param("side"), id: page::param("id") }
    }

    fn address(&self) -> String {
        one::address(&self.sync, &self.side, &self.id)
    }
}

/// All records, or those found; a text that finds exactly one leads straight to it.
#[component]
pub fn RecordsPage() -> impl IntoView {
    let asked = asked();
    let load = records_page(asked.clone());
    page::loaded("Records", load, move |seen, view| {
        if let ([only], false, true) = (view.rows.as_slice(), asked.search.is_empty(), asked.after.is_empty()) {
            page::leave_for(&address(only));
        }
        view! { <Records seen=seen view=view asked=asked /> }.into_any()
    })
}

/// Where a record stands, by the contact where there is one.
fn address(row: &RecordRowView) -> String {
    match (&row.contact_id, &row.customer_id) {
        (Some(id), _) => one::address(&row.sync, Side::Highlevel.as_str(), id),
        (None, Some(id)) => one::address(&row.sync, Side::Chargify.as_str(), id),
        (None, None) => "/records".to_owned(),
    }
}

#[component]
fn Records(seen: Seen, view: RecordPageView, asked: RecordFilter) -> impl IntoView {
    let now = seen.now();
    let RecordPageView { rows, next, total_contacts, total_customers, total_links, removals } = view;
    let deletions = match removals {
        0 => "Deletions".to_owned(),
        count => format!("Waiting to be deleted: {}", figure(count)),
    };
    let lead = format!(
        "{}, {}, {} among them, as last read.",
        counted(total_contacts, "contact in GoHighLevel", "contacts in GoHighLevel"),
        counted(total_customers, "customer in Chargify", "customers in Chargify"),
        counted(total_links, "pair", "pairs"),
    );
    let found = match (rows.len(), asked.search.is_empty(), next.is_some()) {
        (0, ..) => String::new(),
        (rows, _, true) if asked.after.is_empty() => format!("The first {rows}"),
        (rows, _, true) => format!("The next {rows}"),
        (rows, true, _) => counted(rows as u64, "record", "records"),
        (rows, false, _) => format!("{} found", counted(rows as u64, "record", "records")),
    };
    let choices = STATES.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    // An empty list has a heading of its own, which stands under one of the card.
    let heading = rows.is_empty().then_some("Records");
    let content = if rows.is_empty() {
        view! { <Nothing known=total_contacts + total_customers narrowed=is_narrowed(&asked) later=!asked.after.is_empty() /> }
            .into_any()
    } else {
        let older = next.map(|next| list_address(&asked, &next));
        let newest = (!asked.after.is_empty()).then(|| list_address(&asked, ""));
        view! { <Rows rows=rows now=now shown=found.clone() older=older first=newest /> }.into_any()
    };
    view! {
        <Frame here=Place::Records viewer=seen.viewer()>
            <Head title="Records" lead_text=lead>
                <Actions slot>
                    <LinkButton text=deletions href=super::removals::HERE glyph=Glyph::Trash press=Press::Plain />
                </Actions>
            </Head>
            <Filter
                action="/records"
                label="Find a record"
                button="Find"
                result=found
                clear=is_narrowed(&asked).then_some("/records")
            >
                {(!asked.sync.is_empty()).then(|| view! { <OfSync sync=asked.sync.clone() /> })}
                <Search
                    name="q"
                    value=asked.search
                    label="Name, e-mail, phone or id"
                    placeholder="Name, e-mail, phone or id"
                />
                <Pair label="State">
                    <Select name="state" choices=choices chosen=asked.state />
                </Pair>
            </Filter>
            <Card title=heading flush=true>{content}</Card>
        </Frame>
    }
}

/// Says, and keeps when the form is sent, that the list is of one sync only.
#[component]
fn OfSync(sync: String) -> impl IntoView {
    view! {
        <span class="meta">{format!("Of the sync {sync}")}</span>
        <input type="hidden" name="sync" value=sync />
    }
}

#[component]
fn Rows(
    rows: Vec<RecordRowView>,
    now: OffsetDateTime,
    shown: String,
    older: Option<String>,
    first: Option<String>,
) -> impl IntoView {
    let several = rows.windows(2).any(|pair| matches!(pair, [one, other] if one.sync != other.sync));
    let mut columns = vec![Col::text("Record"), Col::text("State"), Col::text("Phone")];
    columns.extend([Col::side(Half::HighLevel, "GoHighLevel"), Col::side(Half::Chargify, "Chargify")]);
    if several {
        columns.push(Col::text("Sync"));
    }
    columns.push(Col::text("Read"));
    let rows = rows.into_iter().map(|row| view! { <Found row=row several=several now=now /> }).collect_view();
    view! {
        <Table caption="Records" columns=columns>
            {rows}
        </Table>
        <Pager shown=shown newer=first newer_text="First page" older=older older_text="More" />
    }
}

#[component]
fn Found(row: RecordRowView, several: bool, now: OffsetDateTime) -> impl IntoView {
    let href = address(&row);
    let standing = standing::of_pair(row.state);
    let email = Words::from(row.email.clone());
    let name = if row.name.is_empty() { "No name".to_owned() } else { row.name };
    // In step needs no sentence, and a long list is read faster without it.
    let detail = (row.state != PairState::InStep).then_some(row.detail);
    let sync = several.then(|| view! { <Cell label="Sync" text=row.sync /> });
    view! {
        <Row>
            <Name text=name href=href sub=email />
            <Cell label="State" sub=detail>
                <State tone=standing.tone glyph=standing.glyph text=standing.word />
            </Cell>
            <Cell label="Phone" class="nowrap">{known(row.phone)}</Cell>
            <Cell label="GoHighLevel">
                <Id id=row.contact_id />
            </Cell>
            <Cell label="Chargify">
                <Id id=row.customer_id />
            </Cell>
            {sync}
            <Cell label="Read" class="nowrap">
                <Moment at=row.read_at.instant() now=now />
            </Cell>
        </Row>
    }
}

fn known(text: Option<String>) -> AnyView {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => view! { <bdi>{text}</bdi> }.into_any(),
        None => view! { <span class="quiet">"none"</span> }.into_any(),
    }
}

/// An id with its middle left out, whole on hover.
#[component]
fn Id(id: Option<String>) -> impl IntoView {
    match id {
        Some(id) => view! { <code title=id.clone()>{shortened(&id, 5)}</code> }.into_any(),
        None => view! { <span class="quiet">"none yet"</span> }.into_any(),
    }
}

/// An id of one side after the half of the disc that stands for it.
#[component]
pub(super) fn SideId(side: Side, id: Option<String>) -> impl IntoView {
    let half = standing::half(side);
    let label = page::service(side);
    let id = match id {
        Some(id) => view! { <code title=id.clone()>{shortened(&id, 9)}</code> }.into_any(),
        None => view! { {format!("no {} yet", side.noun())} }.into_any(),
    };
    view! {
        <span class="side-name">
            <Disc half=half label=label />
            {id}
        </span>
    }
}

/// Why the list is empty, and where to go on.
#[component]
fn Nothing(known: u64, narrowed: bool, later: bool) -> impl IntoView {
    let (what, meaning, text, href) = match (known, narrowed || later) {
        (0, _) => (
            "No records yet",
            "The first run of a sync reads both services. Reading changes nothing there.",
            "Plan a run",
            "/syncs",
        ),
        (_, true) => (
            "Nothing found",
            "A name is found by how it begins; an e-mail address, a phone number and an id only whole.",
            "Show all",
            "/records",
        ),
        (_, false) => (
            "No record is left",
            "All that were read are gone from both services, and nothing was deleted by Concord.",
            "Syncs",
            "/syncs",
        ),
    };
    view! {
        <Empty what=what meaning=meaning>
            <Actions slot>
                <LinkButton text=text href=href press=Press::Plain />
            </Actions>
        </Empty>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_what_was_asked_for_in_its_address() {
        let (search, sync, state) = ("zoë & co".to_owned(), "crm".to_owned(), "waiting".to_owned());
        let asked = RecordFilter { search, sync, state, after: String::new() };
        assert_eq!(list_address(&asked, "a:b"), "/records?q=zo%C3%AB%20%26%20co&sync=crm&state=waiting&after=a%3Ab");
        assert_eq!(list_address(&RecordFilter::default(), ""), "/records");
    }
}
