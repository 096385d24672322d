//! The audit trail: who did what, when, with what outcome; every line with its changes and its place in the chain.

use domain::{
    Right, limits,
    view::{AuditFilter, AuditLineView, AuditPageView},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use crate::{
    AppError,
    page::{self, Guarded, Seen, capital, encoded},
    parts::{
        Actions, Card, Cell, Choice, Clock, Col, Empty, Filter, Frame, Glyph, Head, LinkButton, Pager, Pair, PairInput,
        Place, Press, Row, Search, Select, Standing, State, Table, Takes, Tone, WithDrawer, counted, figure,
    },
};

pub mod line;

/// A page of the trail, newest first.
#[server(endpoint = "audit-page")]
pub async fn audit_page(#[server(default)] filter: AuditFilter) -> Result<AuditPageView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.audit_page(&viewer, filter).await?)
}

/// One line of the trail.
#[server(endpoint = "audit-line")]
pub async fn audit_line(line_no: u64) -> Result<AuditLineView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.audit_line(&viewer, line_no).await?)
}

/// The filter that the page's address asks for.
fn asked() -> AuditFilter {
    AuditFilter {
        actor: page::query("actor"),
        action: page::query("action"),
        outcome: page::query("outcome"),
        record: page::query("record").trim().to_owned(),
        from: page::query("from"),
        until: page::query("until"),
        before: page::query("before").parse().unwrap_or(0),
    }
}

/// The filter as the rest of an address, without the place in the list: empty, or `?actor=…`.
fn query(filter: &AuditFilter, more: &[(&str, u64)]) -> String {
    let AuditFilter { actor, action, outcome, record, from, until, .. } = filter;
    let named = [("actor", actor), ("action", action), ("outcome", outcome), ("record", record), ("from", from)];
    let named = named.into_iter().chain([("until", until)]).filter(|(_, value)| !value.is_empty());
    let named = named.map(|(name, value)| format!("{name}={}", encoded(value)));
    let more = more.iter().filter(|(_, value)| *value > 0).map(|(name, value)| format!("{name}={value}"));
    let parts: Vec<String> = named.chain(more).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// The trail; `?line=` opens one of its lines beside it.
#[component]
pub fn AuditPage() -> impl IntoView {
    let filter = asked();
    let opened: Option<u64> = page::query("line").parse().ok();
    let wanted = filter.clone();
    let load = async move {
        let view = audit_page(wanted).await?;
        let line = match opened {
            Some(number) => Some(audit_line(number).await?),
            None => None,
        };
        Ok((view, line))
    };
    page::loaded("Audit", load, move |seen, (view, line)| {
        view! { <Trail seen=seen view=view line=line filter=filter /> }.into_any()
    })
}

#[component]
fn Trail(seen: Seen, view: AuditPageView, line: Option<AuditLineView>, filter: AuditFilter) -> impl IntoView {
    let now = seen.now();
    let AuditPageView { lines, next, actors, actions, total } = view;
    let narrowed = !query(&filter, &[]).is_empty();
    let result = total_words(total, narrowed);
    let exports = view! { <Exports filter=filter.clone() lacks=seen.lacks(Right::ExportAudit) /> };
    let list = view! { <Lines lines=lines next=next filter=filter.clone() opened=line.as_ref().map(|line| line.line_no) result=result.clone() now=now /> };
    let content = match line {
        Some(line) => {
            let close = format!("/audit{}", query(&filter, &[("before", filter.before)]));
            view! {
                <WithDrawer>
                    {list} <line::OneLine line=line close=close />
                </WithDrawer>
            }
            .into_any()
        }
        None => list.into_any(),
    };
    view! {
        <Frame here=Place::Audit viewer=seen.viewer()>
            <Head
                title="Audit"
                lead_text="Who did what, and what it caused. Lines are added, never changed or removed, and never hold a password, token or key."
            >
                <Actions slot>{exports}</Actions>
            </Head>
            <Narrow filter=filter actors=actors actions=actions result=result narrowed=narrowed />
            {content}
        </Frame>
    }
}

/// How many lines there are, or that there are more than were counted.
fn total_words(total: u64, narrowed: bool) -> String {
    let counted_to = limits::AUDIT_COUNTED.unsigned_abs();
    if narrowed && total >= counted_to {
        format!("{} lines or more", figure(counted_to))
    } else {
        counted(total, "line", "lines")
    }
}

/// The trail as a file, with the filter of the page.
#[component]
fn Exports(filter: AuditFilter, lacks: Option<String>) -> impl IntoView {
    if lacks.is_some() {
        return view! { <Guarded text="Export" lacks=lacks glyph=Glyph::Download /> }.into_any();
    }
    let with = query(&filter, &[]);
    view! {
        <LinkButton text="Export CSV" href=format!("/audit/export.csv{with}") glyph=Glyph::Download download="audit.csv" rel="external" />
        <LinkButton text="Export JSON lines" href=format!("/audit/export.jsonl{with}") glyph=Glyph::Download download="audit.jsonl" rel="external" />
    }
    .into_any()
}

#[component]
fn Narrow(
    filter: AuditFilter,
    actors: Vec<(String, String)>,
    actions: Vec<String>,
    result: String,
    narrowed: bool,
) -> impl IntoView {
    let any = |label: &str| vec![Choice::new("", label)];
    let mut who = any("Anybody");
    who.extend(actors.into_iter().map(|(value, name)| Choice::new(value, capital(&name))));
    let mut what = any("Everything");
    what.extend(actions.into_iter().map(|action| Choice::new(action.clone(), action_words(&action))));
    let mut how = any("Any outcome");
    how.extend([Choice::new("done", "Done"), Choice::new("refused", "Refused"), Choice::new("failed", "Failed")]);
    view! {
        <Filter action="/audit" label="Narrow the trail" result=result clear=narrowed.then_some("/audit")>
            <Search name="record" value=filter.record label="Record id of either side" placeholder="Record id of either side" />
            <Pair label="From">
                <PairInput name="from" takes=Takes::Date value=filter.from />
            </Pair>
            <Pair label="to">
                <PairInput name="until" takes=Takes::Date value=filter.until />
            </Pair>
            <Select name="actor" label="Who" choices=who chosen=filter.actor />
            <Select name="action" label="What" choices=what chosen=filter.action />
            <Select name="outcome" label="Outcome" choices=how chosen=filter.outcome />
        </Filter>
    }
}

/// A machine name as words: `connection.credential_rotated` is `Connection: credential rotated`.
fn action_words(action: &str) -> String {
    let (subject, done) = action.split_once('.').unwrap_or((action, ""));
    let words = if done.is_empty() { subject.to_owned() } else { format!("{subject}: {done}") };
    capital(&words.replace('_', " "))
}

/// An outcome in its tone, icon and word.
fn outcome(outcome: &str) -> (Tone, Glyph, &'static str) {
    match outcome {
        "done" => (Tone::Ok, Glyph::Done, "done"),
        "refused" => (Tone::Warn, Glyph::Lock, "refused"),
        _ => (Tone::Bad, Glyph::Failed, "failed"),
    }
}

#[component]
fn Lines(
    lines: Vec<AuditLineView>,
    next: Option<u64>,
    filter: AuditFilter,
    opened: Option<u64>,
    result: String,
    now: OffsetDateTime,
) -> impl IntoView {
    if lines.is_empty() {
        return view! {
            <Card title="Lines" flush=true>
                <Empty what="No line matches" meaning="Nothing in the trail is like that. Lines are never removed, so it did not happen, or not in these days.">
                    <Actions slot>
                        <LinkButton text="Show all" href="/audit" press=Press::Plain />
                    </Actions>
                </Empty>
            </Card>
        }
        .into_any();
    }
    let shown = format!("{} of {result}, times in UTC", figure(lines.len() as u64));
    let older = next.map(|next| format!("/audit{}", query(&filter, &[("before", next)])));
    let newest = (filter.before > 0).then(|| format!("/audit{}", query(&filter, &[])));
    let rows = lines
        .into_iter()
        .map(|line| {
            let href = query(&filter, &[("before", filter.before), ("line", line.line_no)]);
            let href = format!("/audit{href}#opened");
            let standing = if opened == Some(line.line_no) { Standing::Current } else { Standing::Usual };
            view! { <Line line=line href=href standing=standing now=now /> }
        })
        .collect_view();
    view! {
        <Card flush=true>
            <Table
                caption="Audit"
                class="tail"
                columns=vec![Col::text("Time"), Col::text("Who"), Col::text("What"), Col::text("Outcome")]
            >
                {rows}
            </Table>
            <Pager shown=shown newer=newest newer_text="Newest lines" older=older older_text="Older lines" />
        </Card>
    }
    .into_any()
}

#[component]
fn Line(line: AuditLineView, href: String, standing: Standing, now: OffsetDateTime) -> impl IntoView {
    let who = line::who(&line);
    let class = if line.actor.starts_with("person:") { "strong" } else { "quiet" };
    let (tone, glyph, word) = outcome(&line.outcome);
    view! {
        <Row standing=standing>
            <Cell label="Time" class="nowrap quiet">
                <Clock at=line.at.instant() now=now />
            </Cell>
            <Cell label="Who" text=who class=class />
            <Cell label="What" class="line">
                <a href=href dir="auto">
                    {line::begun(&line.words)}
                </a>
            </Cell>
            <Cell label="Outcome" class="end">
                <State tone=tone glyph=glyph text=word />
            </Cell>
        </Row>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_travels_in_the_address() {
        let filter = AuditFilter { actor: "person:1".to_owned(), record: "a b".to_owned(), ..AuditFilter::default() };
        assert_eq!(query(&filter, &[("before", 0), ("line", 7)]), "?actor=person%3A1&record=a%20b&line=7");
        assert_eq!(query(&AuditFilter::default(), &[]), "");
    }

    #[test]
    fn a_machine_name_reads_as_words() {
        assert_eq!(action_words("connection.credential_rotated"), "Connection: credential rotated");
        assert_eq!(action_words("unknown"), "Unknown");
    }

    #[test]
    fn what_was_not_counted_to_the_end_is_said_so() {
        assert_eq!(total_words(10_000, true), "10,000 lines or more");
        assert_eq!(total_words(10_000, false), "10,000 lines");
        assert_eq!(total_words(1, true), "1 line");
    }
}
