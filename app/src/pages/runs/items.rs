//! The records of a run: tabs with their counts, a filter, and each record with what changes and why.

use domain::{
    Side,
    outcome::Outcome,
    view::{ChangeView, ItemFilter, ItemPageView, ItemView},
};
use leptos::prelude::*;

use crate::{
    AppError,
    page::{self, encoded},
    parts::{
        Actions, Card, Cell, Change, Choice, Col, Diffs, Empty, Ending, EndingState, Filter, Glyph, LinkButton, Name,
        Pager, Pair, Row, Search, Select, State, Tab, Table, Tabs, Tone, counted, figure,
    },
};

/// Fields of a record shown before the rest is only counted.
const SHOWN: usize = 3;

/// Records of a run that pass the filter.
#[server(endpoint = "run-items")]
pub async fn run_items(number: u64, #[server(default)] filter: ItemFilter) -> Result<ItemPageView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.run_items(&viewer, number, &filter).await?)
}

/// The filter that the page's address asks for.
#[must_use]
pub fn asked() -> ItemFilter {
    ItemFilter {
        tab: page::query("tab"),
        search: page::query("q"),
        field: page::query("field"),
        outcome: page::query("outcome"),
        after: page::query("after").parse().unwrap_or(0),
    }
}

/// The address of that filter on the same page.
fn address(number: u64, filter: &ItemFilter) -> String {
    let after = if filter.after > 0 { filter.after.to_string() } else { String::new() };
    let pairs = [
        ("tab", &filter.tab),
        ("q", &filter.search),
        ("field", &filter.field),
        ("outcome", &filter.outcome),
        ("after", &after),
    ];
    let pairs: Vec<_> = pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    format!("/runs/{number}{query}#records")
}

/// The list with its tabs. `plan` while nothing of it was written.
#[component]
pub fn Records(number: u64, sync: String, plan: bool, filter: ItemFilter, items: ItemPageView) -> impl IntoView {
    let tabs = items
        .tabs
        .iter()
        .map(|(tab, count)| {
            let href = address(number, &ItemFilter { tab: tab.clone(), ..ItemFilter::default() });
            Tab::new(tab_words(tab, plan), href, filter.tab == *tab).count(*count)
        })
        .collect();
    let first = filter.after == 0;
    let shown = items.items.len() as u64;
    let result = match (first, items.next) {
        (true, None) => counted(items.total, "record", "records"),
        (true, Some(_)) => format!("the first {} of {}", figure(shown), counted(items.total, "record", "records")),
        (false, _) => format!("{} of {}", figure(shown), counted(items.total, "record", "records")),
    };
    let start = (!first).then(|| address(number, &ItemFilter { after: 0, ..filter.clone() }));
    let next = items.next.map(|after| address(number, &ItemFilter { after, ..filter.clone() }));
    let narrow = view! { <Narrow number=number filter=filter.clone() fields=items.fields result=result.clone() /> };
    let content = if items.items.is_empty() {
        view! { <Nothing number=number filter=filter /> }.into_any()
    } else {
        let rows = items.items.into_iter().map(|item| view! { <ItemRow sync=sync.clone() item=item /> }).collect_view();
        let columns = vec![
            Col::text("Record"),
            Col::text(if plan { "Will" } else { "Outcome" }),
            Col::text("Fields, before → after"),
            Col::text("Why"),
        ];
        view! {
            <Card flush=true>
                <Table caption="Records" columns=columns>
                    {rows}
                </Table>
                <Pager shown=result newer=start newer_text="From the start" older=next older_text="More" />
            </Card>
        }
        .into_any()
    };
    view! {
        <section class="stack" id="records" aria-label="Records">
            <Tabs label="Records" tabs=tabs />
            {narrow}
            {content}
        </section>
    }
}

#[component]
fn Narrow(number: u64, filter: ItemFilter, fields: Vec<String>, result: String) -> impl IntoView {
    let any = Choice::new("", "any field");
    let choices = std::iter::once(any).chain(fields.into_iter().map(|field| Choice::new(field.clone(), field)));
    let narrowed = !filter.search.is_empty() || !filter.field.is_empty() || !filter.outcome.is_empty();
    let clear = narrowed.then(|| address(number, &ItemFilter { tab: filter.tab.clone(), ..ItemFilter::default() }));
    let kept = [("tab", filter.tab), ("outcome", filter.outcome)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view();
    view! {
        <Filter action=format!("/runs/{number}#records") label="Narrow the records" result=result clear=clear>
            {kept}
            <Search name="q" value=filter.search label="Name, e-mail or id" placeholder="Name, e-mail or id" />
            <Pair label="Changes in">
                <Select name="field" choices=choices.collect() chosen=filter.field />
            </Pair>
        </Filter>
    }
}

#[component]
fn Nothing(number: u64, filter: ItemFilter) -> impl IntoView {
    let narrowed = !filter.search.is_empty() || !filter.field.is_empty() || !filter.outcome.is_empty();
    let (what, meaning) = if narrowed {
        ("No record passes", "Nothing in this tab fits the search.")
    } else {
        ("Nothing here", "Records that agree on both sides are counted above and not listed.")
    };
    let all = address(number, &ItemFilter { tab: "all".to_owned(), ..ItemFilter::default() });
    view! {
        <Card flush=true>
            <Empty what=what meaning=meaning>
                <Actions slot>
                    <LinkButton text="All records listed" href=all />
                </Actions>
            </Empty>
        </Card>
    }
}

#[component]
fn ItemRow(sync: String, item: ItemView) -> impl IntoView {
    let href = record_address(&sync, &item);
    let name = if item.name.is_empty() { "without a name".to_owned() } else { item.name.clone() };
    let (tone, glyph, will) = action_words(&item.action);
    let outcome = item.outcome.as_deref().and_then(ending).filter(|_| item.settled_at.is_some());
    let state = match outcome {
        Some(ending) => view! { <EndingState ending=ending /> }.into_any(),
        None => view! { <State tone=tone glyph=glyph text=will /> }.into_any(),
    };
    let planned = outcome.map(|_| will);
    let both = item.action == "update_both";
    let more = item.changes.len().saturating_sub(SHOWN) as u64;
    let changes: Vec<_> = item.changes.iter().take(SHOWN).map(|change| change_of(change, both)).collect();
    // A pair found by e-mail address is joined for good by the contact's id in the customer's `reference`.
    let fields = match (changes.is_empty(), item.action.as_str()) {
        (true, "update_customer" | "update_both") => {
            view! { <span class="quiet">"only the reference that joins the pair"</span> }.into_any()
        }
        (true, _) => ().into_any(),
        (false, _) => view! { <Diffs changes=changes more=more /> }.into_any(),
    };
    let why = item.outcome_detail.clone().filter(|detail| !detail.is_empty()).unwrap_or_else(|| item.reason.clone());
    view! {
        <Row>
            <Name text=name href=href sub=item.email />
            <Cell label="What" sub=planned>
                {state}
            </Cell>
            <Cell label="Fields">{fields}</Cell>
            <Cell label="Why" text=page::capital(&why) />
        </Row>
    }
}

/// The page of the record, by the side it was read from.
#[must_use]
pub fn record_address(sync: &str, item: &ItemView) -> Option<String> {
    let (side, id) = match (&item.contact_id, &item.customer_id) {
        (Some(id), _) => (Side::Highlevel, id),
        (None, Some(id)) => (Side::Chargify, id),
        (None, None) => return None,
    };
    Some(format!("/records/{}/{side}/{}", encoded(sync), encoded(id)))
}

fn change_of(change: &ChangeView, both: bool) -> Change {
    let field = match change.side.parse::<Side>() {
        Ok(side) if both => format!("{} {}", side.label(), change.field),
        _ => change.field.clone(),
    };
    Change::new(field, change.before.as_str(), change.after.as_str())
}

fn tab_words(tab: &str, plan: bool) -> &'static str {
    match tab {
        "" => "All changes",
        "create" => "Create",
        "update_chargify" => "Update Chargify",
        "update_highlevel" => "Update GoHighLevel",
        "join" => "Join or part",
        "decisions" => "Decisions",
        "failed" if plan => "Would fail",
        "failed" => "Could not be planned",
        "excluded" => "Left out",
        _ => "All records",
    }
}

fn action_words(action: &str) -> (Tone, Glyph, &'static str) {
    match action {
        "create_customer" => (Tone::Accent, Glyph::Created, "Create in Chargify"),
        "create_contact" => (Tone::Accent, Glyph::Created, "Create in GoHighLevel"),
        "update_customer" => (Tone::Accent, Glyph::Right, "Update Chargify"),
        "update_contact" => (Tone::Accent, Glyph::Left, "Update GoHighLevel"),
        "update_both" => (Tone::Accent, Glyph::Both, "Update both"),
        "link" => (Tone::Accent, Glyph::Chain, "Join the pair"),
        "unlink" => (Tone::Warn, Glyph::Removed, "Part the pair"),
        "unchanged" => (Tone::Idle, Glyph::Unchanged, "Unchanged"),
        "echo" => (Tone::Idle, Glyph::Echo, "Echo"),
        "exclude" => (Tone::Idle, Glyph::LeftOut, "Left out"),
        "ambiguous" => (Tone::Warn, Glyph::Ambiguous, "Ambiguous"),
        "conflict" => (Tone::Warn, Glyph::Decision, "Conflict"),
        "hold" => (Tone::Warn, Glyph::Parked, "Held"),
        _ => (Tone::Bad, Glyph::Failed, "Would fail"),
    }
}

/// How a stored outcome is shown.
#[must_use]
pub fn ending(outcome: &str) -> Option<Ending> {
    Some(match outcome.parse().ok()? {
        Outcome::Created => Ending::Created,
        Outcome::Updated => Ending::Updated,
        Outcome::Unchanged => Ending::Unchanged,
        Outcome::Echo => Ending::Echo,
        Outcome::Excluded => Ending::LeftOut,
        Outcome::Ambiguous => Ending::Ambiguous,
        Outcome::Parked => Ending::Parked,
        Outcome::Failed => Ending::Failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_an_address() {
        let filter =
            ItemFilter { tab: "create".to_owned(), search: "ada & co".to_owned(), after: 50, ..ItemFilter::default() };
        assert_eq!(address(7, &filter), "/runs/7?tab=create&q=ada%20%26%20co&after=50#records");
        assert_eq!(address(7, &ItemFilter::default()), "/runs/7#records");
    }

    #[test]
    fn a_change_of_both_sides_says_which() {
        let change = ChangeView {
            side: "chargify".to_owned(),
            field: "phone".to_owned(),
            before: String::new(),
            after: "1".to_owned(),
        };
        assert_eq!(change_of(&change, true).field, "Chargify phone");
        assert_eq!(change_of(&change, false).field, "phone");
        assert_eq!(change_of(&change, false).before, None);
    }
}
