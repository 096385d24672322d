//! The team: who belongs to the workspace, in which role, and adding somebody.

use domain::{Right, Role, view::MemberView};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, capital},
    parts::{
        Card, Cell, Choice, Choices, Col, Frame, Head, Moment, Name, Notice, Place, Press, Row, Table, Takes,
        TextField, Tone,
    },
};

const FORM: &str = "person";
const FIELDS: [&str; 3] = ["email", "name", "password"];

/// Who belongs to the workspace.
#[server(endpoint = "members")]
pub async fn members() -> Result<Vec<MemberView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.members(&viewer).await?)
}

/// Adds a person with a first password.
#[server(endpoint = "add-person")]
pub async fn add_person(
    email: String,
    password: String,
    role: Role,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    let (manager, engine) = crate::auth::manager().await?;
    let new = engine::NewPerson { email: email.clone(), name: name.clone(), role, password: password.into() };
    let added = engine.add_person(&manager, new).await.map_err(AppError::from);
    let values = [("email", email.as_str()), ("name", name.as_str()), ("role", role.as_str())];
    kept::refused(FORM, &values, added).await?;
    page::leave_for("/team?done=added");
    Ok(())
}

/// What a role may do, as one line.
const fn meaning(role: Role) -> &'static str {
    match role {
        Role::Owner => "everything, the team included",
        Role::Admin => "everything but the team",
        Role::Operator => "plan, approve and cancel runs",
        Role::Auditor => "look, and export the audit trail",
        Role::Viewer => "look",
    }
}

/// The team's page.
#[component]
pub fn TeamPage() -> impl IntoView {
    let done = page::query("done") == "added";
    let refused = page::refused::<AddPerson>();
    let load = async move { Ok((members().await?, kept::take(FORM).await)) };
    page::loaded("Team", load, move |seen, (members, kept)| {
        let now = seen.now();
        let done = done.then(|| view! {
            <Notice tone=Tone::Ok what="The person is added." safety="Give them the password in person; they sign in with it." live=true />
        });
        view! {
            <Frame here=Place::Team viewer=seen.viewer()>
                <Head title="Team" lead_text="Who belongs to this workspace, and what each may do." />
                <Refused error=refused />
                {done}
                <Members members=members now=now />
                <AddForm kept=kept lacks=seen.lacks(Right::ManageTeam) />
            </Frame>
        }
        .into_any()
    })
}

#[component]
fn Members(members: Vec<MemberView>, now: OffsetDateTime) -> impl IntoView {
    let rows = members
        .into_iter()
        .map(|member| {
            let seen = match member.last_seen {
                Some(at) => view! { <Moment at=at.instant() now=now /> }.into_any(),
                None => view! { <span class="quiet">"not yet"</span> }.into_any(),
            };
            view! {
                <Row>
                    <Name text=member.name sub=member.email />
                    <Cell label="Role" text=capital(member.role.as_str()) sub=meaning(member.role) />
                    <Cell label="Since">
                        <Moment at=member.since.instant() now=now />
                    </Cell>
                    <Cell label="Last seen">{seen}</Cell>
                </Row>
            }
        })
        .collect_view();
    let columns = vec![Col::text("Person"), Col::text("Role"), Col::text("Since"), Col::text("Last seen")];
    view! {
        <Card flush=true>
            <Table caption="Team" columns=columns>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn AddForm(kept: Kept, lacks: Option<String>) -> impl IntoView {
    let roles = Role::ALL.map(|role| Choice::new(role.as_str(), capital(role.as_str())).hint(meaning(role))).to_vec();
    let chosen = kept.value("role").unwrap_or_else(|| Role::Operator.as_str().to_owned());
    let rest = kept.rest(&FIELDS).into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem /> });
    let rest = rest.collect_view();
    view! {
        <Card title="Add a person" id="add">
            {rest}
            <form class="form" method="post" action=AddPerson::url()>
                <div class="form two">
                    <TextField
                        label="E-mail"
                        name="email"
                        takes=Takes::Email
                        required=true
                        value=kept.value("email")
                        error=kept.problem("email")
                    />
                    <TextField label="Name" name="name" optional=true value=kept.value("name") error=kept.problem("name") />
                </div>
                <TextField
                    label="First password"
                    name="password"
                    takes=Takes::NewPassword
                    required=true
                    hint="At least 12 characters."
                    error=kept.problem("password")
                />
                <Choices legend="Role" name="role" choices=roles chosen=chosen />
                <div class="line">
                    <Guarded text="Add the person" press=Press::Primary lacks=lacks />
                </div>
            </form>
        </Card>
    }
}
