//! A run while it goes on: rendered by the server as it stands, then kept up to date by its events.

use domain::{
    limits,
    view::{ItemView, RunLiveView},
};
use leptos::prelude::*;

use crate::{
    pages::runs::{
        card::{Sum, SumFoot, Way, goes_on},
        items::ending,
    },
    parts::{
        Card, Cell, Clock, Col, EndingState, Figure, Foot, Half, Level, Name, Row, SideName, Slots, Table, figure,
        lasting,
    },
};

/// The moving part of a run's page. When the run stops going on, the page is loaded anew.
#[island]
pub fn RunLive(first: RunLiveView) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let live = RwSignal::new(first);
    let stale = RwSignal::new(false);
    let shut_out = RwSignal::new(false);
    let number = live.with_untracked(|live| live.run.number);
    #[cfg(feature = "hydrate")]
    watch::start(watch::Page::new(live, said, stale, shut_out));
    view! {
        <div class="stack">
            <p class="notice tone-warn" role="alert" hidden=move || !shut_out.get()>
                <span class="said">
                    <b>"Your session has ended."</b>
                    " These numbers stand still; the run goes on without this page. "
                    <a href=format!("/sign-in?next=%2Fruns%2F{number}")>"Sign in to go on watching"</a>
                </span>
            </p>
            {move || view! { <Moving live=live.get() /> }}
            <p class="meta" hidden=move || !stale.get() || shut_out.get()>
                "The connection was lost; these numbers may be old. It is tried again by itself."
            </p>
            <p class="hidden" role="status">
                {said}
            </p>
        </div>
    }
}

#[component]
fn Moving(live: RunLiveView) -> impl IntoView {
    let run = live.run.clone();
    let reload = (!goes_on(&run)).then(|| {
        view! {
            <p class="notice tone-ok">
                "This run moved on. " <a href=format!("/runs/{}", run.number)>"Load the page anew"</a>
            </p>
        }
    });
    let way = view! { <Way view=live.clone() /> };
    let sum = (run.counts.read > 0).then(|| view! { <Sum run=run.clone() /> });
    let foot = if run.counts.read > 0 {
        view! { <SumFoot run=run /> }.into_any()
    } else {
        view! { <span>"Nothing is written before the plan is made."</span> }.into_any()
    };
    view! {
        {reload}
        <Card flush=true>
            {way} {sum} <Foot slot>{foot}</Foot>
        </Card>
        <Budgets live=live.clone() />
        <Tail live=live />
    }
}

#[component]
fn Budgets(live: RunLiveView) -> impl IntoView {
    let all = u8::try_from(limits::CHARGIFY_IN_FLIGHT).unwrap_or(u8::MAX);
    let kept = if live.slots_ceiling == 0 { 0 } else { all.saturating_sub(live.slots_ceiling) };
    let today = live.day_left.map(|left| format!("{} left today", figure(left)));
    let tokens = match (live.tokens_left, live.tokens_max) {
        (Some(left), Some(max)) => view! {
            <Level
                left=u64::from(left)
                of=u64::from(max)
                reserve=u64::from(limits::HIGHLEVEL_BURST_RESERVE)
                what=format!("left in this {} s window", limits::HIGHLEVEL_BURST_WINDOW_S)
                legend=format!("last {} kept for live changes", limits::HIGHLEVEL_BURST_RESERVE)
                today=today
            />
        }
        .into_any(),
        _ => view! { <p class="quiet">"Not called in the last minutes."</p> }.into_any(),
    };
    let pace = if live.pace.is_empty() { "Nothing holds it up.".to_owned() } else { live.pace };
    view! {
        <div class="cols-3 cols-even">
            <section class="card">
                <div class="card-body">
                    <h2>
                        <SideName half=Half::Chargify text="Chargify slots" />
                    </h2>
                    <Slots used=live.slots_busy kept=kept all=all />
                </div>
            </section>
            <section class="card">
                <div class="card-body">
                    <h2>
                        <SideName half=Half::HighLevel text="GoHighLevel tokens" />
                    </h2>
                    {tokens}
                </div>
            </section>
            <section class="card">
                <div class="card-body">
                    <h2>"Why is it slow right now?"</h2>
                    <p>{pace}</p>
                </div>
            </section>
        </div>
    }
}

#[component]
fn Tail(live: RunLiveView) -> impl IntoView {
    if live.tail.is_empty() {
        return ().into_any();
    }
    let now = live.now.instant();
    let columns = vec![Col::text("Time"), Col::text("Outcome"), Col::text("Record"), Col::figure("Took")];
    let line = |item: ItemView| {
        let at = item.settled_at.map(|at| view! { <Clock at=at.instant() now=now /> });
        let outcome = item.outcome.as_deref().and_then(ending).map(|ending| view! { <EndingState ending=ending /> });
        let took = item.took_ms.map(|ms| lasting(u64::from(ms))).unwrap_or_default();
        view! {
            <Row>
                <Cell label="Time">{at}</Cell>
                <Cell label="Outcome">{outcome}</Cell>
                <Name text=item.name sub=item.outcome_detail />
                <Figure label="Took" value=took />
            </Row>
        }
    };
    let rows = live.tail.into_iter().map(line).collect_view();
    view! {
        <Card title="Live tail" note="the last records written" flush=true>
            <Table caption="The last records written" columns=columns class="tail">
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

/// What is read aloud about it, now and then.
#[cfg(feature = "hydrate")]
fn aloud(live: &RunLiveView) -> String {
    let counts = live.run.counts;
    format!(
        "{} written, {} to go, {} failed.",
        figure(counts.created + counts.updated),
        figure(live.to_go),
        figure(counts.failed)
    )
}

/// The browser's half: the stream of events, open only while somebody can see the page.
#[cfg(feature = "hydrate")]
mod watch {
    use domain::view::RunLiveView;
    use leptos::{prelude::*, server_fn::ServerFn as _};
    use std::{cell::RefCell, rc::Rc, time::Duration};
    use wasm_bindgen::{JsCast as _, closure::Closure};
    use web_sys::{EventSource, MessageEvent, RequestInit};

    /// Milliseconds between two sentences read aloud.
    const ALOUD_EVERY: i64 = 10_000;

    /// The answer to somebody who is not signed in.
    const UNAUTHORIZED: u16 = 401;

    /// A stream that was refused is opened anew after so long.
    const AGAIN_AFTER: Duration = Duration::from_secs(5);

    type Stream = Rc<RefCell<Option<EventSource>>>;

    #[derive(Clone, Copy)]
    pub(super) struct Page {
        live: RwSignal<RunLiveView>,
        said: RwSignal<String>,
        stale: RwSignal<bool>,
        shut_out: RwSignal<bool>,
        /// The instant something was last read aloud.
        told: StoredValue<i64>,
    }

    impl Page {
        pub(super) fn new(
            live: RwSignal<RunLiveView>,
            said: RwSignal<String>,
            stale: RwSignal<bool>,
            shut_out: RwSignal<bool>,
        ) -> Self {
            Self { live, said, stale, shut_out, told: StoredValue::new(0) }
        }
    }

    pub(super) fn start(page: Page) {
        let number = page.live.with_untracked(|live| live.run.number);
        let address = format!("/events/runs/{number}");
        let stream: Stream = Rc::default();
        open(&stream, &address, page);
        let seen = Closure::<dyn FnMut()>::new(move || {
            if document().hidden() {
                close(&stream);
            } else if stream.borrow().is_none()
                && !page.shut_out.get_untracked()
                && super::goes_on(&page.live.get_untracked().run)
            {
                open(&stream, &address, page);
            }
        });
        let listening = document().add_event_listener_with_callback("visibilitychange", seen.as_ref().unchecked_ref());
        if listening.is_ok() {
            // It listens as long as the page lives.
            seen.forget();
        }
    }

    fn open(stream: &Stream, address: &str, page: Page) {
        let Ok(source) = EventSource::new(address) else {
            page.stale.set(true);
            return;
        };
        let heard = {
            let stream = Rc::clone(stream);
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let text = event.data().as_string().unwrap_or_default();
                match serde_json::from_str::<RunLiveView>(&text) {
                    Ok(live) => take(&stream, page, live),
                    // A newer server speaks otherwise: this page must be loaded anew.
                    Err(_unreadable) => page.stale.set(true),
                }
            })
        };
        let lost = {
            let (stream, address, source) = (Rc::clone(stream), address.to_owned(), source.clone());
            Closure::<dyn FnMut()>::new(move || {
                page.stale.set(true);
                // The browser tries again by itself only while the answer was not a refusal.
                if source.ready_state() == EventSource::CLOSED {
                    stream.borrow_mut().take();
                    ask_whether_signed_in(page);
                    let (stream, address) = (Rc::clone(&stream), address.clone());
                    let again = move || {
                        if stream.borrow().is_none() && !document().hidden() && !page.shut_out.get_untracked() {
                            open(&stream, &address, page);
                        }
                    };
                    set_timeout(again, AGAIN_AFTER);
                }
            })
        };
        source.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        source.set_onerror(Some(lost.as_ref().unchecked_ref()));
        heard.forget();
        lost.forget();
        stream.borrow_mut().replace(source);
    }

    /// A refused stream does not say why; whoever asks who they are is told.
    fn ask_whether_signed_in(page: Page) {
        let answered = Closure::once(move |answer: wasm_bindgen::JsValue| {
            if answer.dyn_into::<web_sys::Response>().is_ok_and(|answer| answer.status() == UNAUTHORIZED) {
                page.shut_out.set(true);
            }
        });
        let ask = RequestInit::new();
        ask.set_method("POST");
        drop(window().fetch_with_str_and_init(crate::auth::Who::url(), &ask).then(&answered));
        // It is called once, after this function has returned.
        answered.forget();
    }

    fn close(stream: &Stream) {
        if let Some(source) = stream.borrow_mut().take() {
            source.close();
        }
    }

    fn take(stream: &Stream, page: Page, live: RunLiveView) {
        page.stale.set(false);
        let now = live.now.0;
        let ended = !super::goes_on(&live.run);
        if ended || now - page.told.get_value() >= ALOUD_EVERY {
            page.told.set_value(now);
            page.said.set(super::aloud(&live));
        }
        page.live.set(live);
        if ended {
            close(stream);
            if !somebody_types() {
                // The buttons and the records of the page belong to what the run was before.
                drop(window().location().reload());
            }
        }
    }

    /// Whether loading the page anew would take away what somebody is writing.
    fn somebody_types() -> bool {
        document().active_element().is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "SELECT"))
    }
}
