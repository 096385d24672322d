//! Webhooks that a workflow sends: unsigned, taken in only with a secret that both sides know.

use domain::{Right, view::ConnectionView};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::one::RotateCredential;
use crate::{
    AppError,
    kept::Kept,
    page::{self, Guarded, Seen},
    parts::{Card, Fact, Facts, Glyph, Moment, More, Press, State, Takes, TextField, Tone},
};

/// The credential that is the secret.
pub(super) const FIELD: &str = "workflow_secret";

/// Takes workflow webhooks in no longer.
#[server(endpoint = "refuse-workflows")]
pub async fn refuse_workflows(id: String) -> Result<(), AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let is_changed = engine.refuse_workflow_webhooks(&keyholder, &id).await?;
    let done = if is_changed { "workflows-off" } else { "same" };
    page::leave_for(&format!("/connections/{}?done={done}#workflows", page::encoded(&id)));
    Ok(())
}

/// Whether webhooks of workflows are taken in, and the switch.
#[component]
pub fn WorkflowsCard(connection: ConnectionView, seen: Seen, kept: Kept, now: OffsetDateTime) -> impl IntoView {
    let lacks = seen.lacks(Right::ManageConnections);
    let stored = connection.credentials.iter().find(|credential| credential.field == FIELD).cloned();
    let is_on = stored.is_some();
    let state = match stored {
        Some(stored) => view! {
            <State tone=Tone::Ok glyph=Glyph::Lock text="taken in with the secret" />
            " · set "
            <Moment at=stored.set_at.instant() now=now />
        }
        .into_any(),
        None => view! { <State tone=Tone::Idle glyph=Glyph::Unreached text="off: turned away" /> }.into_any(),
    };
    let off = is_on.then(|| {
        view! {
            <form method="post" action=RefuseWorkflows::url()>
                <input type="hidden" name="id" value=connection.id.clone() />
                <Guarded text="Switch off" press=Press::Danger lacks=lacks.clone() small=true />
            </form>
        }
    });
    let problem = kept.problem(FIELD);
    let summary = if is_on { "Set another secret" } else { "Take them in" };
    view! {
        <Card title="Workflow webhooks" note="unsigned, so only with a secret" id="workflows">
            <Facts>
                <Fact name="State">{state}</Fact>
                <Fact name="Send to"><code>{connection.webhook_url}</code></Fact>
                <Fact name="Header"><code>"X-Concord-Secret"</code></Fact>
            </Facts>
            <p class="meta">
                "In a workflow, add the action Custom Webhook with this header and contact_id in its body. Nobody signs it: whoever knows the secret can have contacts looked at, nothing else."
            </p>
            <More summary=summary open=problem.is_some()>
                <form class="form" method="post" action=RotateCredential::url()>
                    <input type="hidden" name="id" value=connection.id />
                    <input type="hidden" name="field" value=FIELD />
                    <TextField
                        label="Secret"
                        id="f-new-workflow_secret"
                        name="secret"
                        takes=Takes::Secret
                        required=true
                        hint="At least 16 characters that nobody guesses. Sealed when saved; it can be replaced, never read."
                        error=problem
                    />
                    <div class="line">
                        <Guarded text="Seal the secret" press=Press::Plain lacks=lacks />
                    </div>
                </form>
            </More>
            {off}
        </Card>
    }
}
