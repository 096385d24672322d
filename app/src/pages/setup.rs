//! The first start: whoever holds the set-up link becomes the owner.

use leptos::{prelude::*, server_fn::ServerFn as _};
use leptos_meta::Title;

use crate::{
    AppError,
    kept::{self, Kept},
    page,
    parts::{Button, Door, LinkButton, Notice, Press, Takes, TextField, Tone},
};

const FORM: &str = "setup";

/// Whether the installation still waits for its first person. Open to everybody: the sign-in page says it.
#[server(endpoint = "setup-pending")]
pub async fn setup_pending() -> Result<bool, AppError> {
    Ok(crate::auth::engine()?.setup_pending().await?)
}

/// Makes the owner of a new installation and signs them in. The token of the set-up link takes the place of a sign-in.
#[server(endpoint = "claim-setup")]
pub async fn claim_setup(
    token: String,
    email: String,
    password: String,
    #[server(default)] name: String,
    #[server(default)] workspace: String,
) -> Result<(), AppError> {
    let engine = crate::auth::engine()?;
    let owner = engine::NewOwner {
        email: email.clone(),
        name: name.clone(),
        password: password.into(),
        workspace: workspace.clone(),
    };
    let values = [("email", email.as_str()), ("name", name.as_str()), ("workspace", workspace.as_str())];
    let claimed = engine.claim_setup(&token, owner).await.map_err(AppError::from);
    let person = kept::refused(FORM, &values, claimed).await?;
    super::sign_in::server::open(person).await?;
    page::leave_for("/");
    Ok(())
}

/// The page behind the set-up link.
#[component]
pub fn SetUp() -> impl IntoView {
    let token = page::param("token");
    let refused = page::refused::<ClaimSetup>();
    let content = Suspend::new(async move {
        if setup_pending().await.unwrap_or(true) {
            let kept = kept::take(FORM).await;
            view! { <OwnerForm token=token kept=kept refused=refused /> }.into_any()
        } else {
            view! {
                <Notice tone=Tone::Idle what="This server is set up." safety="The link has done its work and opens nothing any more." />
                <LinkButton text="Sign in" href="/sign-in" press=Press::Primary />
            }
            .into_any()
        }
    });
    view! {
        <Title text="Set up" />
        <Door title="Set up Concord">{content}</Door>
    }
}

#[component]
fn OwnerForm(token: String, kept: Kept, refused: Option<AppError>) -> impl IntoView {
    let notice = refused.map(|error| match error {
        AppError::NotFound { .. } => view! {
            <Notice
                tone=Tone::Bad
                what="This set-up link is not valid any more."
                safety="Nothing was changed. Restart the server: it prints a new one."
                live=true
            />
        }
        .into_any(),
        error => view! { <Notice tone=Tone::Bad what=error.what() safety=error.safety() live=true /> }.into_any(),
    });
    let rest = kept.rest(&["email", "name", "password", "workspace"]);
    let rest = rest.into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem /> }).collect_view();
    view! {
        <p>"You become the owner: you connect the services and add your team."</p>
        {notice}
        {rest}
        <form class="form" method="post" action=ClaimSetup::url()>
            <input type="hidden" name="token" value=token />
            <TextField
                label="E-mail"
                name="email"
                takes=Takes::Email
                required=true
                autofocus=true
                value=kept.value("email")
                error=kept.problem("email")
            />
            <TextField label="Your name" name="name" optional=true value=kept.value("name") error=kept.problem("name") />
            <TextField
                label="Password"
                name="password"
                takes=Takes::NewPassword
                required=true
                hint="At least 12 characters. A few unrelated words are easy to keep."
                error=kept.problem("password")
            />
            <TextField
                label="Workspace"
                name="workspace"
                optional=true
                hint="The team or client whose records are kept in step."
                value=kept.value("workspace")
                error=kept.problem("workspace")
            />
            <Button text="Set up and sign in" press=Press::Primary />
        </form>
    }
}
