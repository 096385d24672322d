//! Tables, filters, tabs, pagers, and what stands there when there are no rows.

use leptos::prelude::*;
use time::{Duration, OffsetDateTime};

use super::super::*;

/// Everything with rows.
#[component]
pub fn Lists(now: OffsetDateTime) -> impl IntoView {
    view! {
        <Syncs now=now />
        <Changes />
        <div class="cols-3 cols-even">
            <Card title="Loading" flush=true>
                <LoadingTable caption="Records" columns=vec![Col::text("Record"), Col::text("Outcome")] />
                <Foot slot>"Rows keep their height, so nothing jumps"</Foot>
            </Card>
            <Card title="Empty" flush=true>
                <Empty what="No issues" meaning="All 12,189 pairs went through in the last run. Failures would be grouped here by cause, with a fix.">
                    <Actions slot>
                        <LinkButton text="See the last run" href="#run" />
                    </Actions>
                </Empty>
            </Card>
            <Card title="Could not load" flush=true>
                <Failure what="The list did not load" goes_on="The server did not answer in 10 s. Syncs go on; only this page is affected." request="01JCZ9K4V7Q2M8RT">
                    <Actions slot>
                        <LinkButton text="Try again" href="#again" />
                    </Actions>
                </Failure>
            </Card>
        </div>
    }
}

#[component]
fn Syncs(now: OffsetDateTime) -> impl IntoView {
    view! {
        <Card title="Syncs" note="12,189 pairs in 3 syncs" flush=true>
            <Actions slot>
                <LinkButton text="New sync" href="#new" small=true glyph=Glyph::Plus />
            </Actions>
            <Table
                caption="Syncs"
                columns=vec![
                    Col::text("Sync"),
                    Col::text("State"),
                    Col::text("In step"),
                    Col::figure("Written today"),
                    Col::figure("Waiting"),
                    Col::text("Last finished"),
                    Col::acts(),
                ]
            >
                <Row>
                    <Name text="Contacts EU" href="#eu" sub="crm-eu ↔ billing-eu" />
                    <Cell label="State">
                        <Badge tone=Tone::Accent text="Running" glyph=Glyph::Turning />
                    </Cell>
                    <Cell label="In step">
                        <ShareCell part=7266 whole=7459 what="pairs" tone=Tone::Accent />
                    </Cell>
                    <Figure label="Written today" value=1_187_u64 href="#written" />
                    <Figure label="Waiting" value=66_u64 />
                    <Cell label="Last finished">
                        <a href="#run">"60 % · about 3 min left"</a>
                    </Cell>
                    <Acts>
                        <LinkButton text="Watch" href="#watch" small=true />
                    </Acts>
                </Row>
                <Row>
                    <Name text="Contacts UK" href="#uk" sub="crm-uk ↔ billing-uk" />
                    <Cell label="State">
                        <Badge tone=Tone::Bad text="Partly blocked" glyph=Glyph::Warning />
                    </Cell>
                    <Cell label="In step">
                        <ShareCell part=4077 whole=4118 what="pairs" tone=Tone::Ok />
                    </Cell>
                    <Figure label="Written today" value=160_u64 />
                    <Figure label="Waiting" value=41_u64 />
                    <Cell label="Last finished">
                        <Moment at=now - Duration::minutes(1) now=now />
                    </Cell>
                    <Acts>
                        <LinkButton text="Why?" href="#why" small=true />
                    </Acts>
                </Row>
                <Row>
                    <Name text="Trade partners" href="#trade" sub="crm-eu → billing-trade" />
                    <Cell label="State">
                        <Badge tone=Tone::Idle text="Paused" glyph=Glyph::Paused />
                    </Cell>
                    <Cell label="In step">
                        <ShareCell part=606 whole=612 what="pairs" tone=Tone::Ok />
                    </Cell>
                    <Figure label="Written today" value=0_u64 />
                    <Figure label="Waiting" value=6_u64 />
                    <Cell label="Last finished" text="Paused 3 days ago by Ingrid Sørensen: “price migration”" />
                    <Acts>
                        <Button text="Resume" small=true />
                    </Acts>
                </Row>
            </Table>
        </Card>
    }
}

#[component]
fn Changes() -> impl IntoView {
    let fields = vec![Choice::new("", "any field"), Choice::new("phone", "phone")];
    let row = |id: &'static str,
               name: &'static str,
               mail: &'static str,
               ending: Ending,
               changes: Vec<Change>,
               more: u64,
               why: &'static str| {
        view! {
            <Row>
                <Pick name="pick" value=id label=format!("Take {name} along") checked=more != 0 />
                <Name text=name sub=mail href=format!("#{id}") />
                <Cell label="Will">
                    <EndingState ending=ending />
                </Cell>
                <Cell label="Fields">
                    <Diffs changes=changes more=more />
                </Cell>
                <Cell label="Why" text=why />
            </Row>
        }
    };
    view! {
        <div class="section">
            <Tabs
                label="Changes"
                tabs=vec![
                    Tab::new("All changes", "#all", true).count(1_590),
                    Tab::new("Create", "#create", false).count(1_204),
                    Tab::new("Update Chargify", "#update", false).count(241),
                    Tab::new("Update GoHighLevel", "#update-ghl", false).count(145),
                    Tab::new("Would fail", "#fail", false).count(12),
                    Tab::new("Left out", "#out", false).count(441),
                ]
            />
            <Filter action="#filter" label="Narrow the changes" result="1 to 50 of 1,590" clear="#clear">
                <Search name="q" label="Name, e-mail or id" placeholder="Name, e-mail or id" />
                <Pair label="Only where">
                    <Select name="field" choices=fields chosen="" />
                </Pair>
                <Pair label="From">
                    <PairInput name="from" takes=Takes::Date value="2026-11-04" />
                </Pair>
            </Filter>
            <Table
                caption="Changes of the plan"
                bleed=true
                columns=vec![Col::pick(), Col::text("Record"), Col::text("Will"), Col::text("Fields, before and after"), Col::text("Why")]
            >
                {row(
                    "1",
                    "Réka Szabó",
                    "reka.szabo@kerekpar.example",
                    Ending::ToCreate,
                    vec![
                        Change::new("name", "", "Réka Szabó"),
                        Change::new("phone", "", "+3615550134"),
                        Change::new("country", "", "HU"),
                    ],
                    5,
                    "No customer with this e-mail or reference",
                )}
                {row(
                    "2",
                    "Søren Kjærgaard",
                    "soren@kjaergaard.example",
                    Ending::ToUpdate,
                    vec![Change::new("lastName", "Kjaergaard", "Kjærgaard"), Change::new("Billing status", "", "active")],
                    0,
                    "Changed in Chargify yesterday",
                )}
                {row(
                    "3",
                    "فاطمة الزهراء الإدريسي",
                    "fz.elidrissi@velo.example",
                    Ending::LeftOut,
                    vec![Change::new("city", "Rabat", "Casablanca")],
                    0,
                    "You left this out. It stays as it is on both sides",
                )}
            </Table>
            <Pager label="Pages of changes" shown="1 to 50 of 1,590" newer="#newer" older="#older" />
        </div>
    }
}
