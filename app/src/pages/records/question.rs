//! What is asked about a record: the fields changed on both sides, the customers it may be, whether a deleted contact was
//! merged into it, or what becomes of it after a deletion. A plain form whose answer is an address: it leads to what would be written, and writes nothing itself.

use domain::{
    Right, Side,
    view::{
        AnswerDraft, CandidateView, ConflictView, FieldAnswerDraft, FormerContactView, HeirView, QuestionKind,
        QuestionView,
    },
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::{Which, one::address};
use crate::{
    AppError,
    page::{self, Guarded, Seen},
    parts::{
        Card, Cell, Change, Col, Diffs, Foot, Glyph, Half, Item, Items, Moment, Name, Press, Row, Standing, Table,
        shortened,
    },
};

/// Fields that one answer can decide at most: more than any mapping has.
const FIELDS: usize = 200;

/// Lets a record that a person left out take part again.
#[server(endpoint = "take-part-again")]
pub async fn take_part_again(sync: String, side: String, id: String) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let here = super::one::address(&sync, &side, &id);
    let side = side.parse().map_err(|_unknown| engine::EngineError::NotFound("record"))?;
    engine.take_part_again(&runner, &engine::RecordAt { sync, side, id }).await?;
    page::leave_for(&here);
    Ok(())
}

/// The answer that the page's address holds.
pub(super) fn answer() -> AnswerDraft {
    let field = |place: usize| {
        let rule = Some(page::query(&format!("rule{place}"))).filter(|rule| !rule.is_empty())?;
        Some((rule, page::query(&format!("keep{place}")).parse::<Side>().ok()))
    };
    let fields = (0..FIELDS).map_while(field);
    AnswerDraft {
        partner: page::query("partner"),
        fields: fields.filter_map(|(rule, keep)| Some(FieldAnswerDraft { rule, keep: keep? })).collect(),
    }
}

/// The question with its form. `given` is what was answered already and is sent along.
#[component]
pub(super) fn Question(
    seen: Seen,
    question: QuestionView,
    which: Which,
    #[prop(optional)] given: AnswerDraft,
) -> impl IntoView {
    let lacks = seen.lacks(Right::Run);
    let now = seen.now();
    if question.kind == QuestionKind::LeftOut {
        return view! { <LeftOut question=question which=which lacks=lacks now=now /> }.into_any();
    }
    let (title, note) = match question.kind {
        QuestionKind::Conflict => (
            "Which value is kept?",
            "Each was changed on both sides since they last agreed. The value you keep is written to the other side.",
        ),
        QuestionKind::Merged => (
            "Was a deleted contact merged into this one?",
            "Then its customer is this one’s now, and both histories stay. Nothing is written before you say so.",
        ),
        QuestionKind::Ambiguous => ("Which customer is this contact?", "Nothing of it is written before you say so."),
        QuestionKind::Held | QuestionKind::LeftOut => {
            ("What shall become of it?", "Nothing is created in place of what was deleted before you say so.")
        }
    };
    let disabled = lacks.is_some();
    let partner = question.kind == QuestionKind::Conflict && !given.partner.is_empty();
    let partner = partner.then(|| view! { <input type="hidden" name="partner" value=given.partner.clone() /> });
    let fields = (!question.fields.is_empty())
        .then(|| view! { <Fields fields=question.fields.clone() given=given.fields disabled=disabled /> });
    let former =
        question.former.clone().map(|former| view! { <Former former=former sync=which.sync.clone() now=now /> });
    let heirs =
        (!question.heirs.is_empty()).then(|| view! { <Heirs heirs=question.heirs.clone() sync=which.sync.clone() /> });
    let partners = (question.kind != QuestionKind::Conflict)
        .then(|| view! { <Partners question=question disabled=disabled now=now /> });
    view! {
        <form method="get" action=format!("{}/resync", which.address())>
            <Card title=title note=note flush=true>
                {partner}
                {fields}
                {former}
                {heirs}
                {partners}
                <Foot slot>
                    <Guarded text="Show what it would write" press=Press::Primary lacks=lacks />
                    <span>"Both services are read first. Nothing is written before you have seen it."</span>
                </Foot>
            </Card>
        </form>
    }
    .into_any()
}

#[component]
fn Fields(fields: Vec<ConflictView>, given: Vec<FieldAnswerDraft>, disabled: bool) -> impl IntoView {
    let columns = vec![
        Col::text("Field"),
        Col::side(Half::HighLevel, "GoHighLevel"),
        Col::text("Agreed last"),
        Col::side(Half::Chargify, "Chargify"),
    ];
    let rows: Vec<_> = fields
        .into_iter()
        .enumerate()
        .map(|(place, field)| {
            let chosen = given.iter().find(|answer| answer.rule == field.rule).map(|answer| answer.keep);
            view! { <Conflicting place=place field=field chosen=chosen disabled=disabled /> }
        })
        .collect();
    view! {
        <Table caption="Fields changed on both sides" columns=columns>
            {rows}
        </Table>
    }
}

#[component]
fn Conflicting(place: usize, field: ConflictView, chosen: Option<Side>, disabled: bool) -> impl IntoView {
    let named = format!("{} · {}", field.highlevel_field, field.chargify_field);
    let base = match field.base {
        Some(base) => held(base),
        None => view! { <span class="quiet">"never agreed"</span> }.into_any(),
    };
    let keep = |side: Side, value: String| {
        let radio = Radio {
            name: format!("keep{place}"),
            label: format!("Keep {}’s {}", page::service(side), field.label),
            checked: chosen == Some(side),
            disabled,
        };
        view! { <Keep side=side value=value radio=radio /> }
    };
    let (left, right) = (keep(Side::Highlevel, field.highlevel), keep(Side::Chargify, field.chargify));
    view! {
        <Row standing=Standing::Asking>
            <Name text=field.label sub=named>
                <input type="hidden" name=format!("rule{place}") value=field.rule />
            </Name>
            <Cell label="GoHighLevel">{left}</Cell>
            <Cell label="Agreed last" class="quiet">
                {base}
            </Cell>
            <Cell label="Chargify">{right}</Cell>
        </Row>
    }
}

/// How a choice stands in its form.
struct Radio {
    name: String,
    /// Read aloud instead of the value alone.
    label: String,
    checked: bool,
    disabled: bool,
}

/// One side's value, to be kept.
#[component]
fn Keep(side: Side, value: String, radio: Radio) -> impl IntoView {
    let Radio { name, label, checked, disabled } = radio;
    view! {
        <label class="check">
            <input
                type="radio"
                name=name
                value=side.as_str()
                aria-label=label
                checked=checked
                disabled=disabled
                required
            />
            <span>{held(value)} <span class="hint">{format!("Keep {}’s", page::service(side))}</span></span>
        </label>
    }
}

fn held(value: String) -> AnyView {
    if value.is_empty() {
        view! { <em class="empty-word">"empty"</em> }.into_any()
    } else {
        view! { <bdi>{value}</bdi> }.into_any()
    }
}

#[component]
fn Partners(question: QuestionView, disabled: bool, now: OffsetDateTime) -> impl IntoView {
    let QuestionView { candidates, may_create, may_leave_out, kind, .. } = question;
    let several = candidates.len() > 1;
    let table = (!candidates.is_empty()).then(|| {
        let columns = vec![
            Col::text("Customer"),
            Col::text("E-mail"),
            Col::text("Phone"),
            Col::text("Organization"),
            Col::text("Choosing it would write"),
            Col::text("Updated"),
        ];
        let rows = candidates
            .into_iter()
            .map(|candidate| view! { <Candidate candidate=candidate disabled=disabled now=now /> })
            .collect_view();
        view! {
            <Table caption="Customers it may be" columns=columns>
                {rows}
            </Table>
        }
    });
    let create = match (kind, several) {
        (QuestionKind::Merged, _) => {
            ("No, it is somebody else: create a new customer", "The customer of the deleted contact stays as it is.")
        }
        (QuestionKind::Held, _) => {
            ("Create its partner anew", "As if there had never been one, with all mapped fields.")
        }
        (_, true) => ("None of these: create a new customer", "These stay as they are."),
        (_, false) => ("Not this one: create a new customer", "That one stays as it is."),
    };
    let leave = ("Leave it out for good", "It takes no part until somebody lets it. Both sides stay as they are.");
    let other = |value: &'static str, (name, hint): (&'static str, &'static str)| {
        view! {
            <label class="check">
                <input type="radio" name="partner" value=value disabled=disabled required />
                <span>{name} <span class="hint">{hint}</span></span>
            </label>
        }
    };
    view! {
        {table}
        <div class="card-body">
            {may_create.then(|| other("new", create))}
            {may_leave_out.then(|| other("nobody", leave))}
        </div>
    }
}

/// The deleted contact that may have been merged into this one.
#[component]
fn Former(former: FormerContactView, sync: String, now: OffsetDateTime) -> impl IntoView {
    let FormerContactView { contact_id, name, email, phone, gone_at } = former;
    let known = [email, phone].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let name = if name.is_empty() { format!("Contact {contact_id}") } else { name };
    let href = gone_at.map(|_| address(&sync, Side::Highlevel.as_str(), &contact_id));
    let when = gone_at.map(|at| {
        view! {
            <span class="meta">"deleted " <Moment at=at.instant() now=now /></span>
        }
    });
    view! {
        <Items>
            <Item name=name note=known href=href half=Half::HighLevel>
                {when}
            </Item>
        </Items>
    }
}

/// Contacts that a deleted one may have been merged into: each has a page on which that is asked.
#[component]
fn Heirs(heirs: Vec<HeirView>, sync: String) -> impl IntoView {
    let items = heirs.into_iter().map(|heir| {
        let name = if heir.name.is_empty() { format!("Contact {}", heir.contact_id) } else { heir.name };
        let note = format!("{} · may be the same person: look there first", heir.email.unwrap_or_default());
        let href = address(&sync, Side::Highlevel.as_str(), &heir.contact_id);
        view! { <Item name=name note=note.trim_start_matches(" · ").to_owned() href=href half=Half::HighLevel /> }
    });
    let items: Vec<_> = items.collect();
    view! { <Items>{items}</Items> }
}

#[component]
fn Candidate(candidate: CandidateView, disabled: bool, now: OffsetDateTime) -> impl IntoView {
    let id = candidate.customer_id.clone();
    let name = if candidate.name.is_empty() { "No name".to_owned() } else { candidate.name.clone() };
    let would = match &candidate.belongs_to {
        Some(contact) => {
            let text = format!("It is paired with contact {} already and cannot be chosen.", shortened(contact, 5));
            view! { <span class="quiet">{text}</span> }.into_any()
        }
        None => would(&candidate),
    };
    let blocked = disabled || candidate.belongs_to.is_some();
    let known = |text: Option<String>| match text {
        Some(text) => view! { <bdi>{text}</bdi> }.into_any(),
        None => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    let reference = candidate.reference.clone().map(|reference| format!(" · reference {}", shortened(&reference, 5)));
    let updated = candidate.updated_at.map(|at| view! { <Moment at=at.instant() now=now /> });
    view! {
        <Row>
            <th scope="row" role="rowheader">
                <label class="check">
                    <input type="radio" name="partner" value=format!("customer:{id}") disabled=blocked required />
                    <span>
                        <bdi>{name}</bdi>
                        <span class="hint">{format!("{id}{}", reference.unwrap_or_default())}</span>
                    </span>
                </label>
            </th>
            <Cell label="E-mail">{known(candidate.email)}</Cell>
            <Cell label="Phone" class="nowrap">{known(candidate.phone)}</Cell>
            <Cell label="Organization">{known(candidate.organization)}</Cell>
            <Cell label="Would write">{would}</Cell>
            <Cell label="Updated" class="nowrap">{updated}</Cell>
        </Row>
    }
}

/// What choosing the candidate would write, as last read.
fn would(candidate: &CandidateView) -> AnyView {
    if !candidate.asks.is_empty() {
        let text = format!("You would be asked about {} first.", candidate.asks.join(", "));
        return view! { <span class="quiet">{text}</span> }.into_any();
    }
    if candidate.would.is_empty() {
        return view! { <span class="quiet">"nothing but the pair"</span> }.into_any();
    }
    let change = |change: &domain::view::ChangeView| {
        let service = change.side.parse::<Side>().map(page::service).unwrap_or_default();
        Change::new(format!("{service} {}", change.field), change.before.as_str(), change.after.as_str())
    };
    let changes: Vec<_> = candidate.would.iter().take(SHOWN).map(change).collect();
    let more = candidate.would.len().saturating_sub(SHOWN) as u64;
    view! { <Diffs changes=changes more=more /> }.into_any()
}

/// Changes shown of a candidate before the rest is only counted: all of them stand on the next page.
const SHOWN: usize = 4;

#[component]
fn LeftOut(question: QuestionView, which: Which, lacks: Option<String>, now: OffsetDateTime) -> impl IntoView {
    let by = question.answered.map(|(person, at)| {
        view! {
            <p>
                {format!("{person} left it out ")} <Moment at=at.instant() now=now />
                ". Both sides stay as they are, and no run touches them."
            </p>
        }
    });
    view! {
        <Card title="Left out for good">
            {by}
            <form class="line" method="post" action=TakePartAgain::url()>
                <input type="hidden" name="sync" value=which.sync />
                <input type="hidden" name="side" value=which.side />
                <input type="hidden" name="id" value=which.id />
                <Guarded text="Let it take part again" glyph=Glyph::Undo lacks=lacks />
            </form>
        </Card>
    }
}
