//! Plan and run: the same card, the same ledger, the same order; only the verbs change tense.

use leptos::prelude::*;

use super::super::*;

/// A plan, a run and the two budgets.
#[component]
pub fn Runs() -> impl IntoView {
    view! {
        <PlanCard />
        <RunCard />
        <Budgets />
    }
}

#[component]
fn PlanCard() -> impl IntoView {
    view! {
        <Card flush=true>
            <Ledger
                total=Term::total(8_412, "contacts read")
                parts=vec![
                    Term::ending(1_204, Ending::ToCreate).href("#create"),
                    Term::ending(386, Ending::ToUpdate).href("#update"),
                    Term::ending(6_317, Ending::Unchanged).href("#unchanged"),
                    Term::ending(441, Ending::LeftOut).href("#out"),
                    Term::ending(38, Ending::Ambiguous).href("#ambiguous"),
                    Term::ending(14, Ending::Conflict).href("#conflict"),
                    Term::ending(12, Ending::WouldFail).href("#fail"),
                ]
                bar=true
            />
            <PlanDetails />
            <Foot slot>
                <Balance read=8_412 accounted=8_412 />
                <span>"52 records wait for a decision and are not part of the approval."</span>
            </Foot>
        </Card>
    }
}

#[component]
fn RunCard() -> impl IntoView {
    view! {
        <Card flush=true>
            <RunLine
                left="about 3 min"
                meaning="left · done near 14:10 · 4 min 48 s so far"
                phases=vec![
                    Phase::new("Prepare", "3 s", Progress::Done),
                    Phase::new("Read", "9 s", Progress::Done),
                    Phase::new("Check", "1 s", Progress::Done),
                    Phase::new("Write", "4 min 35 s", Progress::Going { done: 954, whole: 1_590 }),
                    Phase::new("Finish", "about 2 s", Progress::Waiting),
                ]
            />
            <Ledger
                total=Term::total(8_412, "contacts read")
                parts=vec![
                    Term::ending(742, Ending::Created).href("#created"),
                    Term::ending(203, Ending::Updated).href("#updated"),
                    Term::ending(6_321, Ending::Unchanged).href("#unchanged"),
                    Term::ending(0, Ending::Echo),
                    Term::ending(441, Ending::LeftOut).href("#out"),
                    Term::ending(38, Ending::Ambiguous).href("#ambiguous"),
                    Term::ending(17, Ending::Parked).href("#parked"),
                    Term::ending(14, Ending::Failed).href("#failed"),
                    Term::ending(636, Ending::ToGo).href("#to-go"),
                ]
                bar=true
            />
            <Foot slot>
                <Balance read=8_412 accounted=8_411 />
                <span>"Shown only if the engine is wrong."</span>
            </Foot>
        </Card>
    }
}

#[component]
fn Budgets() -> impl IntoView {
    view! {
        <div class="cols-3 cols-even">
            <section class="card">
                <div class="card-body">
                    <h2>
                        <SideName half=Half::Chargify text="Chargify slots" />
                    </h2>
                    <Slots used=2 withdrawn=1 kept=1 />
                </div>
            </section>
            <section class="card">
                <div class="card-body">
                    <h2>
                        <SideName half=Half::HighLevel text="GoHighLevel tokens" />
                    </h2>
                    <Level
                        left=39
                        of=100
                        reserve=20
                        what="left in this 10 s window"
                        legend="last 20 kept for live changes"
                        today="3,418 of 200,000 today"
                    />
                </div>
            </section>
            <section class="card">
                <div class="card-body">
                    <h2>"Why is it slow right now?"</h2>
                    <p>
                        "Chargify answers in " <b>"910 ms"</b> " instead of " <b>"412 ms"</b>
                        ", so at 14:05:21 one slot was withdrawn. It comes back by itself after 30 s below 600 ms."
                    </p>
                    <p class="meta">"Nothing to do. Live changes still go first: 0 waiting."</p>
                </div>
            </section>
        </div>
    }
}

#[component]
fn PlanDetails() -> impl IntoView {
    let reasons = [
        ("No e-mail address", 268),
        ("No last name, Chargify needs one", 97),
        ("Tag “do-not-bill”", 61),
        ("E-mail is malformed", 15),
    ]
    .map(|(text, count)| Reason { text: text.to_owned(), count, href: Some("#reason".to_owned()) })
    .to_vec();
    let cost = |name: AnyView, reads: u64, writes: u64, calls: u64, standing: Standing| {
        view! {
            <Row standing=standing>
                <th scope="row" role="rowheader">{name}</th>
                <Figure value=reads />
                <Figure value=writes />
                <Figure value=calls />
            </Row>
        }
    };
    view! {
        <div class="divided">
            <div>
                <h3>"Predicted cost"</h3>
                <Table
                    caption="Predicted calls"
                    fixed=true
                    bleed=true
                    columns=vec![Col::text("Side"), Col::figure("Reads"), Col::figure("Writes"), Col::figure("Calls")]
                >
                    {cost(view! { <SideName half=Half::Chargify /> }.into_any(), 36, 1_445, 1_481, Standing::Usual)}
                    {cost(view! { <SideName half=Half::HighLevel /> }.into_any(), 17, 145, 162, Standing::Usual)}
                    {cost("Together".into_any(), 53, 1_590, 1_643, Standing::Total)}
                </Table>
                <p>
                    <b>"3 min 23 s"</b> " likely, " <b>"5 min 16 s"</b> " if Chargify is slow"
                </p>
            </div>
            <div>
                <h3>"Left out, by reason"</h3>
                <Reasons reasons=reasons whole=441 />
            </div>
            <div>
                <h3>"Guard rails"</h3>
                <Items plain=true>
                    <Item name="0 deletions, 0 unlinks" note="Nothing disappears on either side" glyph=Glyph::Done tone=Tone::Ok />
                    <Item name="Both lists read to the end" note="8,412 of 8,412 and 7,034 of 7,034" glyph=Glyph::Done tone=Tone::Ok />
                    <Item name="1,590 changes, limit 1,000" note="Needs approval by an owner" glyph=Glyph::Shield tone=Tone::Warn />
                </Items>
            </div>
        </div>
    }
}
