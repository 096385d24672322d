//! The first screen: is all well, and if not, what to do.

use domain::{
    Right,
    view::{ConnectionView, NeedView, OverviewView, QueueView, SubscriptionCopyView, SyncView, Tally24},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{standing, syncs::schedule::NextDue};
use crate::{
    AppError,
    page::{self, Seen},
    parts::{
        Actions, Acts, Ask, Asks, Balance, Card, Cell, Chart, Col, Column, Empty, Figure, Foot, Frame, Glyph, Half,
        Item, Items, Ledger, LinkButton, Moment, Name, Place, Press, Row, Share, State, Table, Term, Tone, ago,
        counted, figure,
    },
};

/// Everything the first screen shows.
#[server(endpoint = "overview")]
pub async fn overview() -> Result<OverviewView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.overview(&viewer).await?)
}

/// The first screen.
#[component]
pub fn Overview() -> impl IntoView {
    page::loaded("Overview", overview(), |seen, view| {
        let now = seen.now();
        let OverviewView { needs, pairs, pairs_in_step, syncs, connections, day, queue, subscriptions, .. } = view;
        let answer = answer(&needs, pairs, day.in_work);
        let meaning = meaning(pairs, pairs_in_step);
        view! {
            <Frame here=Place::Overview viewer=seen.viewer()>
                <div class="cols-2">
                    <div class="stack">
                        <div>
                            <h1 class="answer">{answer}</h1>
                            <p>{meaning}</p>
                        </div>
                        {(pairs > 0)
                            .then(|| view! { <Share part=pairs_in_step whole=pairs what="pairs in step" tone=Tone::Ok half=Half::Both /> })}
                    </div>
                    <Needs needs=needs />
                </div>
                <SyncsCard seen=seen syncs=syncs ready=!connections.is_empty() />
                <div class="cols-main">
                    <DayCard day=day queue=queue.clone() now=now />
                    <ConnectionsCard connections=connections queue=queue copies=subscriptions now=now />
                </div>
            </Frame>
        }
        .into_any()
    })
}

/// The sentence the page opens with.
fn answer(needs: &[NeedView], pairs: u64, in_work: u64) -> String {
    let pressing = needs.iter().filter(|need| need.kind != "setup").count();
    let begun = needs.iter().any(|need| need.kind == "setup");
    match (pressing, begun) {
        (0, true) => "Nothing is wrong. The set-up goes on.".to_owned(),
        (0, false) if in_work > 0 => {
            format!("Nothing needs a person. {} in work.", counted(in_work, "change is", "changes are"))
        }
        (0, false) if pairs == 0 => "Nothing waits. There are no pairs yet.".to_owned(),
        (0, false) => "Everything is in step.".to_owned(),
        (1, _) => "One thing needs a person.".to_owned(),
        (many, _) => format!("{} things need a person.", spelled(many)),
    }
}

fn spelled(count: usize) -> String {
    const WORDS: [&str; 8] = ["Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
    count.checked_sub(2).and_then(|index| WORDS.get(index)).map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

fn meaning(pairs: u64, in_step: u64) -> String {
    let apart = pairs.saturating_sub(in_step);
    match (pairs, apart) {
        (0, _) => {
            "A pair is one contact in GoHighLevel with its customer in Chargify. The first run finds them.".to_owned()
        }
        (_, 0) => format!("{} on every mapped field, as last read.", counted(pairs, "pair agrees", "pairs agree")),
        (..) => format!(
            "{} of {} are not in step. Nothing is lost: each keeps its place and goes on by itself once it can.",
            figure(apart),
            counted(pairs, "pair", "pairs")
        ),
    }
}

#[component]
fn Needs(needs: Vec<NeedView>) -> impl IntoView {
    if needs.is_empty() {
        return ().into_any();
    }
    let asks = needs
        .into_iter()
        .map(|need| {
            let (tone, glyph) = match need.kind.as_str() {
                "credential" => (Tone::Bad, Glyph::Key),
                "age" => (Tone::Warn, Glyph::Key),
                "failure" => (Tone::Bad, Glyph::Warning),
                "setup" => (Tone::Accent, Glyph::Play),
                "approval" => (Tone::Warn, Glyph::Decision),
                _ => (Tone::Warn, Glyph::Ambiguous),
            };
            let press = if need.kind == "setup" { Press::Primary } else { Press::Plain };
            view! {
                <Ask tone=tone glyph=glyph what=need.title safety=need.detail>
                    <LinkButton text=need.action href=need.href press=press />
                </Ask>
            }
        })
        .collect_view();
    view! { <Asks>{asks}</Asks> }.into_any()
}

/// All syncs in a table; `alone` on their own page, whose head has the button; `ready` once something is connected.
#[component]
pub(super) fn SyncsCard(
    seen: Seen,
    syncs: Vec<SyncView>,
    #[prop(optional)] alone: bool,
    #[prop(default = true)] ready: bool,
) -> impl IntoView {
    let now = seen.now();
    let may = seen.may(Right::EditMapping);
    if syncs.is_empty() {
        let add = (may && ready && !alone).then(|| view! { <LinkButton text="Make a sync" href="/syncs/new" /> });
        return view! {
            <Card title="Syncs" flush=true>
                <Empty
                    what="No sync yet"
                    meaning="A sync joins one GoHighLevel location with one Chargify site: who takes part, which fields travel, and who wins."
                >
                    <Actions slot>{add}</Actions>
                </Empty>
            </Card>
        }
        .into_any();
    }
    let pairs: u64 = syncs.iter().map(|sync| sync.links).sum();
    let note = format!("{} in {}", counted(pairs, "pair", "pairs"), counted(syncs.len() as u64, "sync", "syncs"));
    let rows = syncs.into_iter().map(|sync| view! { <SyncRow sync=sync now=now /> }).collect_view();
    let columns = vec![
        Col::text("Sync"),
        Col::text("State"),
        Col::figure("Pairs"),
        Col::figure("Written today"),
        Col::figure("Waiting"),
        Col::text("Last run"),
        Col::acts(),
    ];
    view! {
        <Card title="Syncs" note=note flush=true>
            <Actions slot>
                {(may && !alone).then(|| view! { <LinkButton text="New sync" href="/syncs/new" small=true glyph=Glyph::Plus /> })}
            </Actions>
            <Table caption="Syncs" columns=columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
fn SyncRow(sync: SyncView, now: OffsetDateTime) -> impl IntoView {
    let standing = standing::of_sync(&sync);
    let address = format!("/syncs/{}", sync.name);
    let sides = format!("{} ↔ {}", sync.highlevel, sync.chargify);
    let (act, act_address) = match (sync.open_run, &sync.last_run) {
        (Some(number), Some((_, _, status))) if status == "awaiting_approval" => {
            ("See the plan", format!("/runs/{number}"))
        }
        (Some(number), _) => ("Watch", format!("/runs/{number}")),
        (None, _) => ("Open", address.clone()),
    };
    let next = sync.schedule.next.is_some().then(|| {
        view! { <span class="sub">"Next: " <NextDue sync=sync.clone() now=now /></span> }
    });
    let last = match (&sync.last_run, sync.last_run_at) {
        (Some((number, mode, _)), at) => view! {
            <a href=format!("/runs/{number}")>{format!("Run {number}, {mode}")}</a>
            {at.map(|at| view! { <span class="sub"><Moment at=at.instant() now=now /></span> })}
        }
        .into_any(),
        (None, _) => view! { <span class="quiet">"none yet"</span> }.into_any(),
    };
    view! {
        <Row>
            <Name text=sync.name href=address sub=sides />
            <Cell label="State">
                <State tone=standing.tone glyph=standing.glyph text=standing.word />
            </Cell>
            <Figure label="Pairs" value=sync.links />
            <Figure label="Written today" value=sync.written_today />
            <Figure label="Waiting" value=sync.waiting />
            <Cell label="Last run">{last} {next}</Cell>
            <Acts>
                <LinkButton text=act href=act_address small=true />
            </Acts>
        </Row>
    }
}

#[component]
fn DayCard(day: Tally24, queue: QueueView, now: OffsetDateTime) -> impl IntoView {
    let in_work = match queue.oldest_s {
        Some(oldest) => format!("oldest {oldest} s"),
        None => String::new(),
    };
    let accounted = day.written + day.echo + day.nothing_to_do + day.waiting + day.failed + day.in_work;
    let work = Term::new(day.in_work, "in work", Tone::Accent, Glyph::Clock);
    let work = if in_work.is_empty() { work } else { work.note(in_work) };
    let parts = vec![
        Term::new(day.written, "written", Tone::Ok, Glyph::Done),
        Term::new(day.echo, "echo", Tone::Idle, Glyph::Echo).note("our own writes, 0 calls"),
        Term::new(day.nothing_to_do, "nothing to do", Tone::Idle, Glyph::Unchanged),
        Term::new(day.waiting + day.failed, "for you", Tone::Warn, Glyph::Parked)
            .href("/records?state=waiting")
            .note(format!("{} undecided, {} failed", figure(day.waiting), figure(day.failed))),
        work,
    ];
    let hour = move |back: i64| format!("{:02}:00", (i64::from(now.hour()) - back).rem_euclid(24));
    let hours = day.hours.iter().zip((0..24).rev());
    let columns: Vec<_> = hours.map(|(count, back)| Column { name: hour(back), count: *count }).collect();
    let scale = vec![hour(23), hour(17), hour(11), hour(5), "now".to_owned()];
    view! {
        <Card title="Last 24 hours" note="Every webhook that came in, and how it ended. Runs are counted on their own pages." flush=true>
            <Ledger total=Term::total(day.came_in, "came in") parts=parts />
            <div class="card-body">
                <Chart caption="Webhooks an hour in the last 24 hours, UTC" columns=columns scale=scale />
            </div>
            <Foot slot>
                <Balance read=day.came_in accounted=accounted what="in" />
            </Foot>
        </Card>
    }
}

#[component]
fn ConnectionsCard(
    connections: Vec<ConnectionView>,
    queue: QueueView,
    copies: Vec<SubscriptionCopyView>,
    now: OffsetDateTime,
) -> impl IntoView {
    let calls = format!(
        "{} to GoHighLevel and {} to Chargify in 24 hours",
        counted(queue.calls_highlevel, "call", "calls"),
        figure(queue.calls_chargify)
    );
    let content = if connections.is_empty() {
        view! {
            <Empty what="Nothing connected" meaning="Add a GoHighLevel location and a Chargify site.">
                <Actions slot>
                    <LinkButton text="Add a connection" href="/connections/new" />
                </Actions>
            </Empty>
        }
        .into_any()
    } else {
        let items = connections
            .into_iter()
            .map(|connection| {
                let standing = standing::of_connection(&connection);
                let note = match (&connection.state_detail, connection.median_ms) {
                    (Some(detail), _) if connection.state != "healthy" => page::first_sentence(detail),
                    (_, Some(ms)) => {
                        format!("{}, answers in {ms} ms", counted(connection.calls_today, "call today", "calls today"))
                    }
                    (_, None) => counted(connection.calls_today, "call today", "calls today"),
                };
                view! {
                    <Item
                        name=connection.name
                        note=note
                        half=standing::half(connection.side)
                        href=format!("/connections/{}", connection.id)
                    >
                        <State tone=standing.tone glyph=standing.glyph text=standing.word />
                    </Item>
                }
            })
            .collect_view();
        view! { <Items>{items}</Items> }.into_any()
    };
    view! {
        <Card title="Connections" flush=true>
            <Actions slot>
                <LinkButton text="All" href="/connections" small=true press=Press::Bare />
            </Actions>
            {content}
            <Foot slot>
                <span>{calls}</span>
                {copies.into_iter().map(|copy| view! { <span>{copy_words(&copy, now)}</span> }).collect_view()}
            </Foot>
        </Card>
    }
}

/// How far the copy of a site's subscriptions can be trusted.
fn copy_words(copy: &SubscriptionCopyView, now: OffsetDateTime) -> String {
    let many = counted(copy.subscriptions, "subscription", "subscriptions");
    match copy.current_at {
        Some(at) => format!("{many} of {}, current as of {}", copy.connection, ago(at.instant(), now)),
        None => format!("{many} of {} by webhooks, never read whole", copy.connection),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(kind: &str) -> NeedView {
        let text = String::new();
        NeedView { kind: kind.to_owned(), title: text.clone(), detail: text.clone(), action: text.clone(), href: text }
    }

    #[test]
    fn the_page_opens_with_how_many_things_need_a_person() {
        assert_eq!(answer(&[], 12, 0), "Everything is in step.");
        assert_eq!(answer(&[], 12, 8), "Nothing needs a person. 8 changes are in work.");
        assert_eq!(answer(&[need("setup")], 0, 0), "Nothing is wrong. The set-up goes on.");
        assert_eq!(answer(&[need("failure"), need("setup")], 12, 0), "One thing needs a person.");
        let three = [need("failure"), need("decision"), need("credential")];
        assert_eq!(answer(&three, 12, 0), "Three things need a person.");
    }

    #[test]
    fn what_is_not_in_step_is_said_in_numbers() {
        assert_eq!(meaning(1, 1), "1 pair agrees on every mapped field, as last read.");
        assert!(meaning(12_189, 11_949).starts_with("240 of 12,189 pairs are not in step."));
    }
}
