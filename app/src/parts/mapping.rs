//! Rows of the mapping table: a field of each side with the direction between them, on the wire, and the rule
//! behind. Height is fixed.

use leptos::prelude::*;

use super::{Col, Glyph, Half, Icon, Table, Words};

/// The control between two fields.
#[slot]
pub struct Wire {
    children: Children,
}

/// The rule of a row: steps in its first line, policies in its second.
#[slot]
pub struct Rule {
    children: Children,
}

/// How two fields are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Joined {
    #[default]
    Mapped,
    /// Proposed, not yet taken over.
    Suggested,
    /// Only one of the two is there.
    Unmapped,
    /// The row in the preview.
    Shown,
}

/// One side's field: its name, a sample under it, how many records have it filled.
#[derive(Clone, Debug, Default)]
pub struct MapField {
    pub name: String,
    pub sample: String,
    pub filled: String,
    /// The other service refuses a record without it.
    pub required: bool,
}

/// The mapping as a table. Holds `MapRow`s.
#[component]
pub fn Mapping(#[prop(into)] caption: Words, #[prop(optional)] with_acts: bool, children: Children) -> impl IntoView {
    let mut columns = vec![
        Col::side(Half::HighLevel, "GoHighLevel"),
        Col::wire(),
        Col::side(Half::Chargify, "Chargify"),
        Col::text("Steps · both changed · emptied"),
    ];
    if with_acts {
        columns.push(Col::acts());
    }
    view! {
        <Table caption=caption columns=columns class="mapping">
            {children()}
        </Table>
    }
}

#[component]
fn FieldWords(field: MapField) -> impl IntoView {
    let MapField { name, sample, filled, required } = field;
    view! {
        <span class="ends">
            <span class="strong">{name}</span>
            {required
                .then(|| {
                    view! {
                        <span class="state meta">
                            <Icon glyph=Glyph::Lock />
                            "required"
                        </span>
                    }
                })}
        </span>
        <span class="ends meta">
            <span class="cut" dir="auto">
                {sample}
            </span>
            <span>{filled}</span>
        </span>
    }
}

/// One row. `Wire` holds the direction's select, `Rule` the steps and policies, children the buttons of the last
/// column.
#[component]
pub fn MapRow(
    left: MapField,
    right: MapField,
    #[prop(optional)] joined: Joined,
    wire: Wire,
    #[prop(optional)] rule: Option<Rule>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let class = match joined {
        Joined::Mapped => None,
        Joined::Suggested => Some("suggested"),
        Joined::Unmapped => Some("unmapped"),
        Joined::Shown => Some("selected"),
    };
    view! {
        <tr role="row" class=class aria-current=(joined == Joined::Shown).then_some("true")>
            <th scope="row" role="rowheader">
                <FieldWords field=left />
            </th>
            <td role="cell" class="wire">
                <i class="port"></i>
                {(wire.children)()}
                <i class="port"></i>
            </td>
            <td role="cell">
                <FieldWords field=right />
            </td>
            <td role="cell" class="rule">
                {rule.map(|rule| (rule.children)())}
            </td>
            {children
                .map(|children| {
                    view! {
                        <td role="cell" class="acts">
                            <div class="actions">{children()}</div>
                        </td>
                    }
                })}
        </tr>
    }
}

/// A direction that cannot be chosen, and the reason for readers and on hover.
#[component]
pub fn FixedWire(glyph: Glyph, #[prop(into)] why: Words) -> impl IntoView {
    let title = why.clone().get();
    view! {
        <span class="fixed" title=title>
            <Icon glyph=glyph label=why />
            <Icon glyph=Glyph::Lock />
        </span>
    }
}
