//! The team: who belongs to the workspace, in which role; adding, promoting and removing somebody.

use domain::{PersonId, Right, Role, view::MemberView};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen, capital},
    parts::{
        Actions, Acts, Card, Cell, Choice, Choices, Col, Confirm, Crumb, Frame, Head, LinkButton, Moment, Name, Notice,
        Place, Press, Row, Table, Takes, TextField, Tone,
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

/// Adds a person with a first password; whoever has an account joins with the password they have.
#[server(endpoint = "add-person")]
pub async fn add_person(
    email: String,
    role: Role,
    #[server(default)] password: String,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    let (manager, engine) = crate::auth::manager().await?;
    let new = engine::NewPerson { email: email.clone(), name: name.clone(), role, password: password.into() };
    let added = engine.add_person(&manager, new).await.map_err(AppError::from);
    let values = [("email", email.as_str()), ("name", name.as_str()), ("role", role.as_str())];
    let added = kept::refused(FORM, &values, added).await?;
    page::leave_for(if added.is_new { "/team?done=added" } else { "/team?done=joined" });
    Ok(())
}

/// Gives a member another role.
#[server(endpoint = "change-role")]
pub async fn change_role(person: PersonId, role: Role) -> Result<(), AppError> {
    let (manager, engine) = crate::auth::manager().await?;
    engine.change_role(&manager, person, role).await?;
    page::leave_for("/team?done=role");
    Ok(())
}

/// Takes a member out of the workspace and ends their sessions.
#[server(endpoint = "remove-member")]
pub async fn remove_member(person: PersonId) -> Result<(), AppError> {
    let (manager, engine) = crate::auth::manager().await?;
    engine.remove_member(&manager, person).await?;
    page::leave_for("/team?done=removed");
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

/// The team's page; `?ask=role` and `?ask=remove` ask about the member that `?person=` names.
#[component]
pub fn TeamPage() -> impl IntoView {
    let (done, ask, person) = (page::query("done"), page::query("ask"), page::query("person"));
    let refused =
        page::refused::<AddPerson>().or_else(page::refused::<ChangeRole>).or_else(page::refused::<RemoveMember>);
    let load = async move { Ok((members().await?, kept::take(FORM).await)) };
    page::loaded("Team", load, move |seen, (members, kept)| {
        let asked = members.iter().find(|member| member.id == person).cloned();
        match (ask.as_str(), asked) {
            ("role", Some(member)) => view! { <AskRole seen=seen member=member refused=refused /> }.into_any(),
            ("remove", Some(member)) => view! { <AskRemove seen=seen member=member refused=refused /> }.into_any(),
            _ => view! { <Team seen=seen members=members kept=kept refused=refused done=done /> }.into_any(),
        }
    })
}

#[component]
fn Team(seen: Seen, members: Vec<MemberView>, kept: Kept, refused: Option<AppError>, done: String) -> impl IntoView {
    let now = seen.now();
    let lacks = seen.lacks(Right::ManageTeam);
    let may = lacks.is_none();
    view! {
        <Frame here=Place::Team viewer=seen.viewer()>
            <Head title="Team" lead_text="Who belongs to this workspace, and what each may do." />
            <Refused error=refused />
            <Done done=done />
            <Members members=members may=may now=now />
            <AddForm kept=kept lacks=lacks />
        </Frame>
    }
}

#[component]
fn Done(done: String) -> impl IntoView {
    let (what, safety) = match done.as_str() {
        "added" => ("The person is added.", "Give them the password in person; they sign in with it."),
        "joined" => (
            "The person is added.",
            "They had an account already: they sign in with the password they have, and change to this workspace at the top left.",
        ),
        "role" => ("The role is changed.", "It holds at once, for sessions that are open too."),
        "removed" => ("The person is removed.", "Their sessions have ended. What they did stays in the audit trail."),
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Ok what=what safety=safety live=true /> })
}

#[component]
fn Members(members: Vec<MemberView>, may: bool, now: OffsetDateTime) -> impl IntoView {
    let rows = members
        .into_iter()
        .map(|member| {
            let seen = match member.last_seen {
                Some(at) => view! { <Moment at=at.instant() now=now /> }.into_any(),
                None => view! { <span class="quiet">"not yet"</span> }.into_any(),
            };
            let acts = may.then(|| view! { <MemberActs id=member.id.clone() name=member.name.clone() /> });
            let name = if member.is_you { format!("{} (you)", member.name) } else { member.name };
            view! {
                <Row>
                    <Name text=name sub=member.email />
                    <Cell label="Role" text=capital(member.role.as_str()) sub=meaning(member.role) />
                    <Cell label="Since">
                        <Moment at=member.since.instant() now=now />
                    </Cell>
                    <Cell label="Last seen">{seen}</Cell>
                    {acts}
                </Row>
            }
        })
        .collect_view();
    let mut columns = vec![Col::text("Person"), Col::text("Role"), Col::text("Since"), Col::text("Last seen")];
    if may {
        columns.push(Col::acts());
    }
    view! {
        <Card flush=true>
            <Table caption="Team" columns=columns>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn MemberActs(id: String, name: String) -> impl IntoView {
    let ask = |what: &str| format!("/team?ask={what}&person={id}");
    let (role, remove) = (ask("role"), ask("remove"));
    view! {
        <Acts>
            <LinkButton text="Role…" of=name.clone() href=role small=true />
            <LinkButton text="Remove…" of=name href=remove small=true press=Press::Danger />
        </Acts>
    }
}

/// All roles, each with what it may do.
fn roles() -> Vec<Choice> {
    Role::ALL.map(|role| Choice::new(role.as_str(), capital(role.as_str())).hint(meaning(role))).to_vec()
}

#[component]
fn AskRole(seen: Seen, member: MemberView, refused: Option<AppError>) -> impl IntoView {
    let crumbs = vec![Crumb::place(Place::Team), Crumb::here(member.name.clone())];
    let lacks = seen.lacks(Right::ManageTeam);
    let effect = if member.is_you {
        "This is you. What the new role does not include is out of your reach at once."
    } else {
        "It holds at once, for sessions that are open too."
    };
    view! {
        <Frame here=Place::Team viewer=seen.viewer() crumbs=crumbs>
            <Refused error=refused />
            <Confirm question=format!("Which role shall {} have?", member.name) effect=effect>
                <form class="form" id="role" method="post" action=ChangeRole::url()>
                    <input type="hidden" name="person" value=member.id />
                    <Choices legend="Role" name="role" choices=roles() chosen=member.role.as_str() />
                </form>
                <Actions slot>
                    <Guarded text="Change the role" press=Press::Primary lacks=lacks form="role" />
                    <LinkButton text="Leave it as it is" href="/team" autofocus=true />
                </Actions>
            </Confirm>
        </Frame>
    }
}

#[component]
fn AskRemove(seen: Seen, member: MemberView, refused: Option<AppError>) -> impl IntoView {
    let crumbs = vec![Crumb::place(Place::Team), Crumb::here(member.name.clone())];
    let lacks = seen.lacks(Right::ManageTeam);
    let who = if member.is_you { "This is you. You are" } else { "They are" };
    let effect = format!(
        "{who} signed out everywhere, and this workspace cannot be opened any more. What was done stays in the audit trail, and runs that were started go on."
    );
    view! {
        <Frame here=Place::Team viewer=seen.viewer() crumbs=crumbs>
            <Refused error=refused />
            <Confirm question=format!("Remove {} from the team?", member.name) effect=effect>
                <Actions slot>
                    <form method="post" action=RemoveMember::url()>
                        <input type="hidden" name="person" value=member.id />
                        <Guarded text=format!("Remove {}", member.name) press=Press::Danger lacks=lacks />
                    </form>
                    <LinkButton text="Leave them in" href="/team" autofocus=true />
                </Actions>
            </Confirm>
        </Frame>
    }
}

#[component]
fn AddForm(kept: Kept, lacks: Option<String>) -> impl IntoView {
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
                    hint="At least 12 characters. Leave it empty for somebody who has an account here already."
                    error=kept.problem("password")
                />
                <Choices legend="Role" name="role" choices=roles() chosen=chosen />
                <div class="line">
                    <Guarded text="Add the person" press=Press::Primary lacks=lacks />
                </div>
            </form>
        </Card>
    }
}
