//! The larger pieces: the overview's answer, trace, history, drawer, mapping, question.

use leptos::prelude::*;
use time::{Duration, OffsetDateTime};

use super::super::*;

/// The larger pieces.
#[component]
pub fn Screens(now: OffsetDateTime) -> impl IntoView {
    view! {
        <Overview />
        <Card title="Why is it not in step?" note="The phone number was changed on both sides, and its rule says: ask a person." flush=true>
            <Trace steps=vec![
                Step::new("Read", "Both sides, 40 s ago", Reached::Done),
                Step::new("Scope", "Has an e-mail, no stop tag", Reached::Done),
                Step::new("Match", "Existing link", Reached::Done),
                Step::new("Map", "Version 7, 9 fields", Reached::Done),
                Step::new("Merge", "Phone: two new values", Reached::Stopped(Tone::Warn)),
                Step::new("Validate", "", Reached::NotReached),
                Step::new("Write", "Nothing was sent", Reached::NotReached),
            ] />
        </Card>
        <RecordSample now=now />
        <AuditSample now=now />
        <MappingSample />
        <div class="backdrop">
            <Confirm question="Cancel run 214?" effect="2 writes in flight finish. 945 written records stay as they are now, 636 stay as they were. You can continue later from the same plan.">
                <Actions slot>
                    <Button text="Cancel the run" press=Press::Danger />
                    <LinkButton text="Let it run" href="#run" press=Press::Primary />
                </Actions>
            </Confirm>
        </div>
    }
}

#[component]
fn RecordSample(now: OffsetDateTime) -> impl IntoView {
    view! {
        <div class="cols-main">
            <Card title="Both sides" note="9 mapped fields" flush=true>
                <Table
                    caption="Both sides of the record"
                    columns=vec![
                        Col::text("Field"),
                        Col::side(Half::HighLevel, "GoHighLevel"),
                        Col::text("Agreed last"),
                        Col::side(Half::Chargify, "Chargify"),
                        Col::text("Now"),
                    ]
                >
                    <Row standing=Standing::Asking>
                        <Name text="Phone" />
                        <Cell label="GoHighLevel" text="+46701740635" sub="Zoë, form, 2 h ago" />
                        <Cell label="Agreed last" text="+46701740601" class="quiet" sub="14 March" />
                        <Cell label="Chargify" text="+46701740688" sub="billing portal, 5 h ago" />
                        <Cell label="Now">
                            <State tone=Tone::Warn text="you choose" glyph=Glyph::Ambiguous />
                        </Cell>
                    </Row>
                    <WideRow columns=5 standing=Standing::Asking>
                        <form class="panel">
                            <Choices
                                legend="Which phone number is right?"
                                name="keep"
                                choices=vec![
                                    Choice::new("highlevel", "+46701740635").hint("changes Chargify, 1 call"),
                                    Choice::new("chargify", "+46701740688").hint("changes GoHighLevel, 1 call"),
                                ]
                                chosen="highlevel"
                            />
                            <div class="actions">
                                <Button text="Write this number" />
                                <Button text="Decide later" press=Press::Bare />
                            </div>
                        </form>
                    </WideRow>
                    <Row standing=Standing::Current>
                        <Name text="City" />
                        <Cell label="GoHighLevel" text="Malmö" />
                        <Cell label="Agreed last" text="Malmö" class="quiet" />
                        <Cell label="Chargify" text="Malmö" />
                        <Cell label="Now">
                            <State tone=Tone::Idle text="in step" glyph=Glyph::Check />
                        </Cell>
                    </Row>
                </Table>
            </Card>
            <Card title="History" flush=true>
                <Actions slot>
                    <LinkButton text="All 23" href="#history" small=true press=Press::Bare />
                </Actions>
                <History>
                    <Happened glyph=Glyph::Ambiguous tone=Tone::Warn what="Phone conflict found. Nothing written." by="Concord, run 214" at=now - Duration::seconds(12) now=now />
                    <Happened glyph=Glyph::Left what="Phone changed in GoHighLevel to +46701740635" by="Zoë, web form" at=now - Duration::hours(2) now=now />
                    <Happened glyph=Glyph::Echo what="Echo of our own write recognised, 0 calls" by="Concord" at=now - Duration::days(3) now=now />
                    <Happened glyph=Glyph::Done tone=Tone::Ok what="Wrote city “Malmö” to Chargify." by="Concord" at=now - Duration::days(16) now=now>
                        <a href="#undo">"Undo"</a>
                    </Happened>
                </History>
            </Card>
        </div>
    }
}

#[component]
fn Overview() -> impl IntoView {
    let columns = [46, 43, 38, 34, 28, 25, 18, 12, 6, 4, 3, 2, 1, 3, 4, 9, 18, 32, 44, 50, 62, 56, 53, 46]
        .iter()
        .enumerate()
        .map(|(hour, count)| Column { name: format!("{:02}:00", (hour + 15) % 24), count: *count })
        .collect();
    let scale = ["15:00", "21:00", "03:00", "09:00", "now"].map(str::to_owned).to_vec();
    view! {
        <div class="cols-2">
            <div class="stack">
                <div>
                    <h2 class="answer">"Three things need a person. Everything else is in step."</h2>
                    <p>"107 of 12,189 pairs and candidates wait. Nothing is lost: each keeps its place and goes on by itself once you act."</p>
                </div>
                <Share part=11_949 whole=12_189 what="pairs in step" tone=Tone::Ok half=Half::Both />
            </div>
            <Asks>
                <Ask tone=Tone::Warn glyph=Glyph::Ambiguous what="52 records wait for a decision" safety="Contacts EU. 38 could match more than one customer, 14 were changed on both sides. Nothing is written until you choose.">
                    <LinkButton text="Decide 52" href="#decide" />
                </Ask>
                <Ask tone=Tone::Bad glyph=Glyph::Key what="GoHighLevel refuses writes" safety="Contacts UK, since 11:20. The token lacks contacts.write. 41 updates are parked and go out when it is back.">
                    <LinkButton text="Renew the token" href="#renew" />
                </Ask>
            </Asks>
        </div>
        <div class="cols-main">
            <Card title="Last 24 hours" note="Everything that came in, and how it ended." flush=true>
                <Ledger
                    total=Term::total(1_329, "came in").note("1,241 webhooks, 64 polls, 24 clicks")
                    parts=vec![
                        Term::new(402, "written", Tone::Ok, Glyph::Done).note("318 Chargify, 84 GoHighLevel").href("#written"),
                        Term::new(611, "echo", Tone::Idle, Glyph::Echo).note("our own writes, 0 calls").href("#echo"),
                        Term::new(265, "nothing to do", Tone::Idle, Glyph::Unchanged).note("248 unchanged, 17 left out").href("#same"),
                        Term::new(43, "waiting for you", Tone::Warn, Glyph::Parked).note("41 parked, 2 ambiguous").href("#waiting"),
                        Term::new(8, "in work", Tone::Accent, Glyph::Clock).note("oldest 1.4 s").href("#work"),
                    ]
                />
                <div class="card-body">
                    <Chart caption="Changes an hour in the last 24 hours" columns=columns scale=scale />
                </div>
                <Foot slot>
                    <Balance read=1_329 accounted=1_329 />
                    <span>
                        "From change to written: half within " <b>"1.8 s"</b> ", 99 of 100 within " <b>"9.4 s"</b>
                    </span>
                </Foot>
            </Card>
            <Card title="Connections" flush=true>
                <Actions slot>
                    <Button text="Test all" small=true press=Press::Bare />
                </Actions>
                <Items>
                    <Item name="crm-eu" note="3,418 of 200,000 requests today" half=Half::HighLevel href="#crm">
                        <State tone=Tone::Ok text="Healthy" />
                    </Item>
                    <Item name="crm-uk" note="Token lacks contacts.write" half=Half::HighLevel>
                        <State tone=Tone::Bad text="Partly blocked" glyph=Glyph::Warning />
                    </Item>
                    <Item name="billing-eu" note="2 of 3 slots, answers in 910 ms" half=Half::Chargify current=true>
                        <State tone=Tone::Warn text="Slow" glyph=Glyph::Clock />
                    </Item>
                </Items>
                <Foot slot>"Last webhook 4 s ago, all signatures valid"</Foot>
            </Card>
        </div>
    }
}

#[component]
fn AuditSample(now: OffsetDateTime) -> impl IntoView {
    let line = move |minutes: i64,
                     who: &'static str,
                     what: &'static str,
                     tone: Tone,
                     outcome: &'static str,
                     standing: Standing| {
        view! {
            <Row standing=standing>
                <Cell label="Time">
                    <Clock at=now - Duration::minutes(minutes) now=now />
                </Cell>
                <Cell label="Who" text=who class="strong" />
                <Cell label="What" class="line">
                    <a href="#event">{what}</a>
                </Cell>
                <Cell label="Outcome" class="end">
                    <State tone=tone text=outcome />
                </Cell>
            </Row>
        }
    };
    view! {
        <WithDrawer>
            <Card flush=true>
                <Table
                    caption="Audit"
                    class="tail"
                    columns=vec![Col::text("Time"), Col::text("Who"), Col::text("What"), Col::text("Outcome")]
                >
                    {line(2, "Concord", "could not create a customer for José Ángel Muñoz", Tone::Bad, "failed", Standing::Usual)}
                    {line(7, "Amara Nwosu", "approved plan 214: 1,590 changes", Tone::Ok, "done", Standing::Usual)}
                    {line(300, "Matěj Dvořák", "saved mapping version 7 of Contacts EU", Tone::Ok, "done", Standing::Current)}
                </Table>
                <Pager shown="Wednesday 18 November, UTC" older="#older" older_text="Older lines" />
            </Card>
            <Drawer title="Mapping version 7 saved" note="Contacts EU · 18 November 2026, 09:12:30" close="#close">
                <DrawerPart>
                    <p>
                        "Matěj Dvořák changed " <b>"2 rules"</b> " and added " <b>"1"</b>
                        ". Reason given: “Billing keeps countries and phones up to date”."
                    </p>
                    <SettingChange change=Change::new("country, when both sides changed", "ask a person", "newest wins") />
                </DrawerPart>
                <DrawerPart title="What it led to">
                    <p>
                        <a href="#plan">"Plan 214"</a> " 1,590 changes, 145 of them Billing status"
                    </p>
                </DrawerPart>
                <DrawerPart>
                    <Facts small=true>
                        <Fact name="Who" value="Matěj Dvořák, admin" />
                        <Fact name="Request">
                            <code>"01JCZ8K4V7Q2"</code>
                        </Fact>
                        <Fact name="Hash">
                            <code>{shortened("7c1e55aa0193a94f7c1e55aa0193a94f", 4)}</code> " follows "
                            <code>{shortened("b0d255aa0193a94f7c1e55aa019311e7", 4)}</code>
                        </Fact>
                    </Facts>
                    <More summary="As JSON">
                        <pre>"{ \"kind\": \"mapping_saved\", \"version\": 7 }"</pre>
                    </More>
                </DrawerPart>
                <Foot slot>
                    <State tone=Tone::Ok text="Line and chain verified 12 s ago" glyph=Glyph::Chain />
                </Foot>
            </Drawer>
        </WithDrawer>
    }
}

#[component]
fn MappingSample() -> impl IntoView {
    let directions =
        || vec![Choice::new("both", "↔ both"), Choice::new("right", "→ to right"), Choice::new("left", "← to left")];
    let conflicts = || vec![Choice::new("newest", "Newest wins"), Choice::new("ask", "Ask a person")];
    let field = |name: &str, sample: &str, filled: &str, required: bool| MapField {
        name: name.to_owned(),
        sample: sample.to_owned(),
        filled: filled.to_owned(),
        required,
    };
    let row = move |key: &'static str,
                    left: MapField,
                    right: MapField,
                    steps: &'static [&'static str],
                    joined: Joined| {
        let chips = steps.iter().map(|step| view! { <Chip text=*step /> }).collect_view();
        view! {
            <MapRow left=left right=right joined=joined>
                <Wire slot>
                    <Select name="direction" label=format!("Direction of {key}") choices=directions() chosen="both" />
                </Wire>
                <Rule slot>
                    <div class="steps">{chips}</div>
                    <div class="policies">
                        <Select name="conflict" label=format!("When both sides of {key} changed") choices=conflicts() chosen="newest" slim=true />
                    </div>
                </Rule>
                <Button text=format!("Remove {key}") glyph=Glyph::Trash press=Press::Bare small=true icon_only=true />
            </MapRow>
        }
    };
    view! {
        <Card title="Mapping" note="Runs keep using version 7 until you save" flush=true>
            <Mapping caption="Mapping" with_acts=true>
                {row("firstName", field("firstName", "Zoë", "99.2 %", false), field("first_name", "Zoë", "", true), &["trim"], Joined::Mapped)}
                {row(
                    "phone",
                    field("phone", "+46701740635", "81.4 %", false),
                    field("phone", "070-174 06 88", "", false),
                    &["trim", "E.164, Sweden"],
                    Joined::Shown,
                )}
                {row("VAT ID", field("VAT ID", "SE556012345601", "23.1 %", false), field("vat_number", "empty in 7,034", "", false), &[], Joined::Suggested)}
                <MapRow
                    left=field("Billing status", "active", "84.0 %", false)
                    right=field("subscription.state", "active", "", false)
                >
                    <Wire slot>
                        <FixedWire glyph=Glyph::Left why="To GoHighLevel only: Chargify decides" />
                    </Wire>
                    <Rule slot>
                        <div class="steps">
                            <Chip text="as text" />
                        </div>
                        <p class="meta">"Chargify decides, so this row goes one way"</p>
                    </Rule>
                    <span></span>
                </MapRow>
            </Mapping>
        </Card>
    }
}
