//! Tables. Real table semantics, spelled out as roles because stacked rows are no longer `display: table` for every
//! reader. Below 44 rem each row becomes a block: its name is the title, every other cell says its column.

use leptos::prelude::*;

use super::{Disc, Half, Words};

/// One column's head.
#[derive(Clone, Debug)]
pub struct Col {
    label: String,
    kind: ColKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColKind {
    Text,
    Figure,
    Side(Half),
    Unseen(&'static str),
}

impl Col {
    /// A column of words.
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), kind: ColKind::Text }
    }

    /// A column of figures, aligned right.
    pub fn figure(label: impl Into<String>) -> Self {
        Self { label: label.into(), kind: ColKind::Figure }
    }

    /// A column of one side, with its half of the disc.
    pub fn side(half: Half, label: impl Into<String>) -> Self {
        Self { label: label.into(), kind: ColKind::Side(half) }
    }

    /// The column of buttons at the end; its head is only read aloud.
    pub fn acts() -> Self {
        Self { label: "Actions".to_owned(), kind: ColKind::Unseen("acts") }
    }

    /// The column between two fields of a mapping; its head is only read aloud.
    pub fn wire() -> Self {
        Self { label: "Direction".to_owned(), kind: ColKind::Unseen("wire") }
    }

    /// The column of check boxes at the start; its head is only read aloud.
    pub fn pick() -> Self {
        Self { label: "Chosen".to_owned(), kind: ColKind::Unseen("pick") }
    }
}

/// A table. `caption` names it for readers. `wide` gives its scrolling box a place in the tab order (a table
/// without a link that may scroll needs it); `fixed` keeps rows as rows on a phone (for two or three short
/// columns); `bleed` removes the padding at both ends, outside cards; `class` adds classes, such as `mapping`.
#[component]
pub fn Table(
    #[prop(into)] caption: Words,
    columns: Vec<Col>,
    #[prop(optional)] wide: bool,
    #[prop(optional)] fixed: bool,
    #[prop(optional)] bleed: bool,
    #[prop(optional, into)] class: Words,
    children: Children,
) -> impl IntoView {
    let mut classes = String::from("table");
    classes.push_str(if fixed { " fixed" } else { " stacks" });
    if bleed {
        classes.push_str(" bleed");
    }
    if let Some(more) = class.get() {
        classes.push(' ');
        classes.push_str(&more);
    }
    let heads = columns.into_iter().map(|column| view! { <ColumnHead column=column /> }).collect_view();
    let caption = caption.text();
    let label = wide.then(|| caption.clone());
    view! {
        <div
            class="tablebox"
            tabindex=wide.then_some("0")
            role=wide.then_some("region")
            aria-label=label
        >
            <table class=classes role="table">
                <caption class="hidden">{caption}</caption>
                <thead role="rowgroup">
                    <tr role="row">{heads}</tr>
                </thead>
                <tbody role="rowgroup">{children()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn ColumnHead(column: Col) -> impl IntoView {
    let Col { label, kind } = column;
    let class = match kind {
        ColKind::Figure => Some("num"),
        ColKind::Unseen(class) => Some(class),
        ColKind::Text | ColKind::Side(_) => None,
    };
    let content = match kind {
        ColKind::Text | ColKind::Figure => label.into_any(),
        ColKind::Side(half) => view! {
            <span class="side-name">
                <Disc half=half />
                {label}
            </span>
        }
        .into_any(),
        ColKind::Unseen(_) => view! { <span class="hidden">{label}</span> }.into_any(),
    };
    view! {
        <th scope="col" role="columnheader" class=class>
            {content}
        </th>
    }
}

/// What is special about a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Usual,
    /// Opened beside the list, or shown in the preview.
    Current,
    /// Waits for a person.
    Asking,
    /// The sum of the rows above, closed by a double rule.
    Total,
}

/// A row of a table.
#[component]
pub fn Row(
    #[prop(optional)] standing: Standing,
    #[prop(optional, into)] id: Words,
    children: Children,
) -> impl IntoView {
    let class = match standing {
        Standing::Usual => None,
        Standing::Current => Some("selected"),
        Standing::Asking => Some("asking"),
        Standing::Total => Some("total"),
    };
    let current = (standing == Standing::Current).then_some("true");
    view! {
        <tr role="row" class=class id=id.get() aria-current=current>
            {children()}
        </tr>
    }
}

/// A row of a single cell over all `columns`: a question or details that belong to the row above.
#[component]
pub fn WideRow(columns: usize, #[prop(optional)] standing: Standing, children: Children) -> impl IntoView {
    view! {
        <Row standing=standing>
            <td role="cell" class="wide" colspan=columns.to_string()>
                {children()}
            </td>
        </Row>
    }
}

/// The row's name: a row header, a link when `href` is given, with a second line `sub`. Children come after them.
#[component]
pub fn Name(
    #[prop(into)] text: Words,
    #[prop(optional, into)] href: Words,
    #[prop(optional, into)] sub: Words,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let name = match href.get() {
        Some(href) => view! {
            <a href=href dir="auto">
                {text.get()}
            </a>
        }
        .into_any(),
        None => view! { <span dir="auto">{text.get()}</span> }.into_any(),
    };
    view! {
        <th scope="row" role="rowheader">
            {name}
            {sub.get().map(|sub| view! { <span class="sub" dir="auto">{sub}</span> })}
            {children.map(|children| children())}
        </th>
    }
}

/// A cell of words: `text` or children, with a second line `sub`. `label` repeats the column's name for stacked rows.
#[component]
pub fn Cell(
    #[prop(optional, into)] label: Words,
    #[prop(optional, into)] text: Words,
    #[prop(optional, into)] sub: Words,
    #[prop(optional, into)] class: Words,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <td role="cell" class=class.get() data-label=label.get()>
            <div>
                {text.get().map(|text| view! { <span dir="auto">{text}</span> })}
                {children.map(|children| children())}
                {sub.get().map(|sub| view! { <span class="sub">{sub}</span> })}
            </div>
        </td>
    }
}

/// A cell with a figure, right-aligned, greyed when it is zero, linked to its rows when `href` is given.
#[component]
pub fn Figure(
    #[prop(optional, into)] label: Words,
    #[prop(into)] value: Words,
    #[prop(optional, into)] href: Words,
) -> impl IntoView {
    let class = if value.as_str() == "0" { "num zero" } else { "num" };
    let value = match href.get() {
        Some(href) => view! { <a href=href>{value.get()}</a> }.into_any(),
        None => view! { <span>{value.get()}</span> }.into_any(),
    };
    view! {
        <td role="cell" class=class data-label=label.get()>
            {value}
        </td>
    }
}

/// The last cell: what can be done with the row.
#[component]
pub fn Acts(children: Children) -> impl IntoView {
    view! {
        <td role="cell" class="acts">
            <div class="actions">{children()}</div>
        </td>
    }
}

/// The first cell: a check box that takes the row into what is about to happen. `label` says which row, for readers.
#[component]
pub fn Pick(
    #[prop(into)] name: Words,
    #[prop(into)] value: Words,
    #[prop(into)] label: Words,
    #[prop(optional)] checked: bool,
    #[prop(optional, into)] form: Words,
) -> impl IntoView {
    view! {
        <td role="cell" class="pick">
            <input
                type="checkbox"
                name=name.get()
                value=value.get()
                form=form.get()
                checked=checked
                aria-label=label.get()
            />
        </td>
    }
}

/// Rows of their real height while the list is on its way, so that nothing jumps when it comes.
#[component]
pub fn LoadingTable(
    #[prop(into)] caption: Words,
    columns: Vec<Col>,
    #[prop(default = 4)] rows: usize,
) -> impl IntoView {
    let cells = columns.len();
    let lines = (0..rows)
        .map(|_| {
            let bones = (0..cells).map(|_| view! { <td role="cell"><span class="bone"></span></td> }).collect_view();
            view! { <tr role="row">{bones}</tr> }
        })
        .collect_view();
    view! {
        <div aria-busy="true">
            <Table caption=caption columns=columns fixed=true class="bones">
                {lines}
            </Table>
        </div>
    }
}
