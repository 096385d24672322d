//! One connection: the ladder of tests, its credentials, where its webhooks go.

use domain::{
    Right, Side,
    view::{CheckStepView, CheckView, ConnectionView, StepState},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::{
    super::standing,
    app::{self, AppCard, UseApp},
    denied::{NotInstalled, OldToken, Trouble},
    webhooks::{self, WebhooksCard, webhooks},
    workflows::{self, RefuseWorkflows, WorkflowsCard},
};
use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen},
    parts::{
        Actions, Badge, Card, Cell, Col, Crumb, Empty, Fact, Facts, Foot, Frame, Glyph, Head, Mark, Moment, More, Name,
        Notice, Place, Press, Row, State, Table, Takes, TextField, Tone, counted, lasting,
    },
};

/// One connection by its public id.
#[server(endpoint = "connection")]
pub async fn connection(id: String) -> Result<ConnectionView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.connection(&viewer, &id).await?)
}

/// Climbs the ladder of tests now and keeps the result.
#[server(endpoint = "test-connection")]
pub async fn test_connection(id: String) -> Result<CheckView, AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let check = engine.test_connection(&keyholder, &id).await?;
    page::leave_for(&format!("/connections/{}?done=tested#test", page::encoded(&id)));
    Ok(check)
}

/// Seals a credential in place of the one there was and tests the connection with it.
#[server(endpoint = "rotate-credential")]
pub async fn rotate_credential(id: String, field: String, secret: String) -> Result<(), AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let known = field.parse().map_err(AppError::from);
    let of_workflows = field == workflows::FIELD;
    let rotated = match known {
        Ok(known) => engine.rotate_credential(&keyholder, &id, known, secret.into()).await.map_err(AppError::from),
        Err(unknown) => Err(unknown),
    };
    let is_new = kept::refused(&form(&id), &[], rotated).await?;
    if of_workflows {
        let done = if is_new { "workflows-on" } else { "same" };
        page::leave_for(&format!("/connections/{}?done={done}#workflows", page::encoded(&id)));
        return Ok(());
    }
    engine.test_connection(&keyholder, &id).await?;
    let done = if is_new { "rotated" } else { "same" };
    page::leave_for(&format!("/connections/{}?done={done}#test", page::encoded(&id)));
    Ok(())
}

/// Where a refused credential's faults are kept.
fn form(id: &str) -> String {
    format!("credential:{id}")
}

/// A credential that calls of such a connection, or its webhooks, need.
const fn fields(side: Side, has_app: bool) -> &'static [(&'static str, &'static str)] {
    match side {
        Side::Highlevel if has_app => {
            &[("client_secret", "Client secret of the app"), ("token", "Private token, in place of the app")]
        }
        Side::Highlevel => &[("token", "Private integration token")],
        Side::Chargify => &[("api_key", "API key"), ("shared_key", "Shared key for webhooks")],
    }
}

/// The page of one connection.
#[component]
pub fn ConnectionPage() -> impl IntoView {
    let id = page::param("id");
    let done = page::query("done");
    let refused = page::refused::<TestConnection>()
        .or_else(page::refused::<RotateCredential>)
        .or_else(page::refused::<UseApp>)
        .or_else(page::refused::<RefuseWorkflows>);
    let load = async move {
        let connection = connection(id.clone()).await?;
        let hooks = webhooks(id.clone()).await?;
        // The page may have been opened by name; forms go by id.
        let told = kept::take(&webhooks::form(&connection.id)).await;
        let app = kept::take(&app::form(&connection.id)).await;
        let credential = kept::take(&form(&connection.id)).await;
        Ok((connection, (credential, app), hooks, told))
    };
    page::loaded("Connection", load, move |seen, (connection, (kept, kept_app), hooks, told)| {
        let now = seen.now();
        let standing = standing::of_connection(&connection);
        let crumbs = vec![Crumb::place(Place::Connections), Crumb::here(connection.name.clone())];
        let title = connection.name.clone();
        let is_highlevel = connection.side == Side::Highlevel;
        let lead = format!("{} · {}", page::service(connection.side), connection.account);
        view! {
            <Frame here=Place::Connections viewer=seen.viewer() crumbs=crumbs>
                <Head title=title lead_text=lead>
                    <Mark slot>
                        <Badge tone=standing.tone glyph=standing.glyph text=standing.word />
                    </Mark>
                </Head>
                <Refused error=refused />
                <Done done=done.clone() connection=connection.clone() />
                <NotInstalled done=done.clone() />
                {done.is_empty().then(|| view! { <Trouble connection=connection.clone() seen=seen.clone() now=now /> })}
                <OldToken connection=connection.clone() now=now />
                <Paused connection=connection.clone() now=now />
                <div class="cols-main">
                    <TestCard connection=connection.clone() lacks=seen.lacks(Right::ManageConnections) now=now />
                    <div class="stack">
                        <Whereabouts connection=connection.clone() />
                        {is_highlevel
                            .then(|| {
                                view! {
                                    <AppCard connection=connection.clone() seen=seen.clone() kept=kept_app now=now loud=!done.is_empty() />
                                }
                            })}
                        <WebhooksCard webhooks=hooks seen=seen.clone() told=told />
                        {is_highlevel
                            .then(|| {
                                view! {
                                    <WorkflowsCard connection=connection.clone() seen=seen.clone() kept=kept.clone() now=now />
                                }
                            })}
                        <Credentials connection=connection seen=seen kept=kept now=now />
                    </div>
                </div>
            </Frame>
        }
        .into_any()
    })
}

/// What was just done, and how it came out.
#[component]
fn Done(done: String, connection: ConnectionView) -> impl IntoView {
    let passed = connection.last_check.as_ref().is_some_and(|check| check.passed);
    let (what, safety) = match (done.as_str(), passed) {
        ("added", true) => ("The connection is added and works.", "Nothing was written to the service."),
        ("added", false) => ("The connection is added, but its test failed.", "The failed step below says what to do."),
        ("rotated", true) => ("The new credential is sealed and works.", "Work that waited for it goes on by itself."),
        ("rotated", false) => {
            ("The new credential is sealed, but the test failed.", "The failed step below says what to do.")
        }
        ("installed", true) => ("The app is installed and works.", "Work that waited for it goes on by itself."),
        ("installed", false) => (
            "The app is installed, but the test failed.",
            "Nothing was written. The failed step below says what to do.",
        ),
        ("app", _) => return Some(told(Tone::Accent, "The app is set.", "Install it now: nothing is called before.")),
        ("added-app", _) => {
            return Some(told(
                Tone::Accent,
                "The connection is added.",
                "Install its app now: nothing is called before.",
            ));
        }
        ("workflows-on", _) => {
            return Some(told(Tone::Ok, "The secret is sealed.", "Workflow webhooks that send it along are taken in."));
        }
        ("workflows-off", _) => {
            return Some(told(Tone::Ok, "The secret is forgotten.", "Workflow webhooks are turned away from now on."));
        }
        ("same", _) => ("That credential was stored already.", "Nothing was changed."),
        ("tested", true) => ("The connection works.", "Every step passed."),
        ("tested", false) => ("The test failed.", "Nothing was written. The failed step says what to do."),
        _ => return None,
    };
    let tone = if passed { Tone::Ok } else { Tone::Bad };
    Some(told(tone, what, safety))
}

fn told(tone: Tone, what: &'static str, safety: &'static str) -> AnyView {
    view! { <Notice tone=tone what=what safety=safety live=true /> }.into_any()
}

#[component]
fn Paused(connection: ConnectionView, now: OffsetDateTime) -> impl IntoView {
    let until = connection.paused_until?.instant();
    let left = u64::try_from((until - now).whole_milliseconds()).unwrap_or(0);
    let why = connection.pause_reason.unwrap_or_else(|| "The service asked us to slow down".to_owned());
    Some(view! {
        <Notice
            tone=Tone::Warn
            glyph=Glyph::Paused
            what=format!("Calls wait for {}.", lasting(left))
            safety=format!("{why}. Nothing is lost: work goes on by itself.")
        />
    })
}

#[component]
fn TestCard(connection: ConnectionView, lacks: Option<String>, now: OffsetDateTime) -> impl IntoView {
    let service = page::service(connection.side);
    let content = match connection.last_check {
        None => view! {
            <Empty what="Not tested yet" meaning=format!("A test asks {service} step by step what this credential may do. It writes nothing.") />
        }
        .into_any(),
        Some(check) => view! { <Ladder check=check now=now /> }.into_any(),
    };
    view! {
        <Card title="Test" note=format!("What {service} lets this credential do") id="test" flush=true>
            <Actions slot>
                <form method="post" action=TestConnection::url()>
                    <input type="hidden" name="id" value=connection.id />
                    <Guarded text="Test now" lacks=lacks small=true />
                </form>
            </Actions>
            {content}
        </Card>
    }
}

#[component]
fn Ladder(check: CheckView, now: OffsetDateTime) -> impl IntoView {
    let count = |state: StepState| check.steps.iter().filter(|step| step.state == state).count() as u64;
    let (passed, noted, all) = (count(StepState::Passed), count(StepState::Warned), check.steps.len() as u64);
    let note = if noted > 0 { format!(", {noted} of them with a note") } else { String::new() };
    let summary = format!("{} of {} passed{note}", passed + noted, counted(all, "step", "steps"));
    let took: u64 = check.steps.iter().filter_map(|step| step.took_ms).map(u64::from).sum();
    let rows = check.steps.into_iter().map(|step| view! { <Rung step=step /> }).collect_view();
    let at = check.checked_at.instant();
    view! {
        <Table caption="Steps of the test" columns=vec![Col::text("Step"), Col::text("Result"), Col::text("What was found")]>
            {rows}
        </Table>
        <div class="card-foot">
            <span>{summary}</span>
            <span>{format!("took {}", lasting(took))}</span>
            <Moment at=at now=now />
        </div>
    }
}

#[component]
fn Rung(step: CheckStepView) -> impl IntoView {
    let (tone, glyph, word) = match step.state {
        StepState::Passed => (Tone::Ok, Glyph::Done, "passed"),
        StepState::Warned => (Tone::Warn, Glyph::Warning, "passed, with a note"),
        StepState::Failed => (Tone::Bad, Glyph::Failed, "failed"),
        StepState::Skipped => (Tone::Idle, Glyph::Unreached, "not tried"),
    };
    let answered = match (step.status, step.took_ms) {
        (Some(status), Some(ms)) => format!("status {status}, {ms} ms"),
        (Some(status), None) => format!("status {status}"),
        (None, Some(ms)) => format!("{ms} ms"),
        (None, None) => String::new(),
    };
    view! {
        <Row>
            <Name text=step.title />
            <Cell label="Result" sub=answered>
                <State tone=tone glyph=glyph text=word />
            </Cell>
            <Cell label="What was found" text=step.detail />
        </Row>
    }
}

#[component]
fn Whereabouts(connection: ConnectionView) -> impl IntoView {
    let account = match connection.side {
        Side::Highlevel => "Location id",
        Side::Chargify => "Subdomain",
    };
    let median = connection.median_ms.map(|ms| format!("in {ms} ms, the median"));
    view! {
        <Card title="Account">
            <Facts>
                <Fact name=account>
                    <code>{connection.account}</code>
                </Fact>
                {connection.base_url.map(|url| view! { <Fact name="Address"><code>{url}</code></Fact> })}
                <Fact name="Calls today" value=connection.calls_today />
                {median.map(|median| view! { <Fact name="Answers" value=median /> })}
            </Facts>
        </Card>
    }
}

#[component]
fn Credentials(connection: ConnectionView, seen: Seen, kept: Kept, now: OffsetDateTime) -> impl IntoView {
    let lacks = seen.lacks(Right::ManageConnections);
    let rows = fields(connection.side, connection.app.is_some())
        .iter()
        .map(|(field, label)| {
            let stored = connection.credentials.iter().find(|credential| credential.field == *field);
            let is_set = stored.is_some();
            let state = match stored {
                Some(stored) => {
                    let hint = if stored.hint.is_empty() { "set".to_owned() } else { format!("ends in {}", stored.hint) };
                    view! {
                        <State tone=Tone::Ok glyph=Glyph::Lock text=hint />
                        " · set "
                        <Moment at=stored.set_at.instant() now=now />
                    }
                    .into_any()
                }
                None => view! { <State tone=Tone::Idle text="not set" glyph=Glyph::Unreached /> }.into_any(),
            };
            let form = view! {
                <ReplaceForm id=connection.id.clone() field=*field label=*label is_set=is_set lacks=lacks.clone() kept=kept.clone() />
            };
            view! {
                <li>
                    <div class="grow">
                        <b>{*label}</b>
                        <div>{state}</div>
                        {form}
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <Card title="Credentials" id="credentials" flush=true>
            <ul class="items">{rows}</ul>
            <Foot slot>"Sealed with a key of their own. They can be replaced, never read."</Foot>
        </Card>
    }
}

#[component]
fn ReplaceForm(
    id: String,
    field: &'static str,
    label: &'static str,
    is_set: bool,
    lacks: Option<String>,
    kept: Kept,
) -> impl IntoView {
    let problem = kept.problem(field);
    let summary = if is_set { "Replace it" } else { "Add it" };
    view! {
        <More summary=summary open=problem.is_some()>
            <form class="form" method="post" action=RotateCredential::url()>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="field" value=field />
                <TextField
                    label=label
                    id=format!("f-new-{field}")
                    name="secret"
                    takes=Takes::Secret
                    required=true
                    hint="The old one is forgotten at once; the new one is tested at once."
                    error=problem
                />
                <Guarded text="Seal and test" press=Press::Plain lacks=lacks />
            </form>
        </More>
    }
}
