//! The workspaces of whoever looks: change to another, make one more.

use domain::{Right, WorkspaceId, view::WorkspaceView};
use leptos::{prelude::*, server_fn::ServerFn as _};

use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, capital},
    parts::{
        Acts, Button, Card, Cell, Col, Crumb, Frame, Glyph, Head, Name, Notice, Place, Press, Row, Standing, State,
        Table, TextField, Tone,
    },
};

const FORM: &str = "workspace";

/// The workspaces of whoever looks.
#[server(endpoint = "workspaces")]
pub async fn workspaces() -> Result<Vec<WorkspaceView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.workspaces(&viewer).await?)
}

/// Changes to another workspace of theirs, for this session.
#[server(endpoint = "open-workspace")]
pub async fn open_workspace(id: WorkspaceId) -> Result<(), AppError> {
    server::open(id).await?;
    page::leave_for("/");
    Ok(())
}

/// Makes another workspace and changes to it.
#[server(endpoint = "create-workspace")]
pub async fn create_workspace(name: String) -> Result<(), AppError> {
    let (manager, engine) = crate::auth::manager().await?;
    let made = engine.create_workspace(&manager, &name).await.map_err(AppError::from);
    let id = kept::refused(FORM, &[("name", &name)], made).await?;
    server::open(id).await?;
    page::leave_for("/");
    Ok(())
}

#[cfg(feature = "ssr")]
mod server {
    use crate::{AppError, auth};
    use domain::WorkspaceId;
    use engine::{EngineError, LOGIN_WORKSPACE};

    /// Keeps the choice in the session, once it is known to be theirs.
    pub(super) async fn open(id: WorkspaceId) -> Result<(), AppError> {
        let (viewer, engine) = auth::viewer().await?;
        let person = viewer.actor().person_id().ok_or(EngineError::NotSignedIn)?;
        engine.viewer(person, Some(id)).await?;
        auth::session().await?.insert(LOGIN_WORKSPACE, id).await.map_err(|error| {
            tracing::error!(error = %error, "the chosen workspace cannot be kept");
            EngineError::Bug("the chosen workspace cannot be kept")
        })?;
        Ok(())
    }
}

/// The page of workspaces.
#[component]
pub fn WorkspacesPage() -> impl IntoView {
    let refused = page::refused::<OpenWorkspace>().or_else(page::refused::<CreateWorkspace>);
    let load = async move { Ok((workspaces().await?, kept::take(FORM).await)) };
    page::loaded("Workspaces", load, move |seen, (workspaces, kept)| {
        let lacks = seen.lacks(Right::ManageTeam);
        view! {
            <Frame here=Place::Workspaces viewer=seen.viewer() crumbs=vec![Crumb::here("Workspaces")]>
                <Head
                    title="Workspaces"
                    lead_text="Each has connections, syncs, a team and an audit trail of its own. An agency has one for each client."
                />
                <Refused error=refused />
                <List workspaces=workspaces />
                <MakeForm kept=kept lacks=lacks />
            </Frame>
        }
        .into_any()
    })
}

#[component]
fn List(workspaces: Vec<WorkspaceView>) -> impl IntoView {
    let rows = workspaces
        .into_iter()
        .map(|workspace| {
            let act = if workspace.is_open {
                view! { <State tone=Tone::Ok glyph=Glyph::Check text="open now" /> }.into_any()
            } else {
                view! {
                    <form method="post" action=OpenWorkspace::url()>
                        <input type="hidden" name="id" value=workspace.id />
                        <Button text=format!("Open {}", workspace.name) small=true />
                    </form>
                }
                .into_any()
            };
            let standing = if workspace.is_open { Standing::Current } else { Standing::Usual };
            view! {
                <Row standing=standing>
                    <Name text=workspace.name />
                    <Cell label="Your role" text=capital(workspace.role.as_str()) />
                    <Acts>{act}</Acts>
                </Row>
            }
        })
        .collect_view();
    let columns = vec![Col::text("Workspace"), Col::text("Your role"), Col::acts()];
    view! {
        <Card flush=true>
            <Table caption="Workspaces" columns=columns>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn MakeForm(kept: Kept, lacks: Option<String>) -> impl IntoView {
    let rest = kept.rest(&["name"]).into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem /> });
    let rest = rest.collect_view();
    view! {
        <Card title="Make another" id="make" note="You become its owner.">
            {rest}
            <form class="form" method="post" action=CreateWorkspace::url()>
                <TextField
                    label="Name"
                    name="name"
                    required=true
                    value=kept.value("name")
                    hint="The team or client whose records are kept in step there."
                    error=kept.problem("name")
                />
                <div class="line">
                    <Guarded text="Make the workspace" press=Press::Primary lacks=lacks />
                </div>
            </form>
        </Card>
    }
}
