//! Who may do what. The proof types here can only be made by [`Engine::viewer`] and its refinements, and use cases
//! demand them: an entry point that forgets to authorise has nothing to call with.

use crate::{Engine, EngineError, Result, store};
use domain::{PersonId, Right, Role, WorkspaceId};

/// The person (or the command line) on whose behalf something happens.
#[derive(Clone, Debug)]
pub struct Actor {
    workspace_id: WorkspaceId,
    person_id: Option<PersonId>,
    key: String,
    name: String,
    role: Role,
}

impl Actor {
    /// The schedule of a sync, which starts runs and does nothing else.
    pub(crate) fn schedule(workspace_id: WorkspaceId, name: &str) -> Self {
        Self { workspace_id, person_id: None, key: "schedule".to_owned(), name: name.to_owned(), role: Role::Operator }
    }

    /// Concord itself: it mends what it watches over.
    pub(crate) fn system(workspace_id: WorkspaceId) -> Self {
        let (key, name) = ("system".to_owned(), "Concord itself".to_owned());
        Self { workspace_id, person_id: None, key, name, role: Role::Operator }
    }

    /// As it stands in the audit trail: `person:<id>`, `command-line`, `schedule` or `system`.
    #[must_use]
    pub fn key(&self) -> String {
        self.key.clone()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    #[must_use]
    pub fn workspace_id(&self) -> WorkspaceId {
        self.workspace_id
    }

    #[must_use]
    pub fn person_id(&self) -> Option<PersonId> {
        self.person_id
    }
}

macro_rules! proof {
    ($(#[$doc:meta])* $name:ident, $method:ident, $right:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Actor);

        impl $name {
            #[must_use]
            pub fn actor(&self) -> &Actor {
                &self.0
            }

            #[must_use]
            pub fn workspace_id(&self) -> WorkspaceId {
                self.0.workspace_id
            }
        }

        impl Viewer {
            /// The stronger proof.
            ///
            /// # Errors
            /// [`EngineError::NotAllowed`] when the role lacks the right.
            pub fn $method(&self) -> Result<$name> {
                if self.0.role.may($right) { Ok($name(self.0.clone())) } else { Err(EngineError::NotAllowed($right.words())) }
            }
        }
    };
}

/// May look at the workspace: any member.
#[derive(Clone, Debug)]
pub struct Viewer(Actor);

impl Viewer {
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.0
    }

    #[must_use]
    pub fn workspace_id(&self) -> WorkspaceId {
        self.0.workspace_id
    }
}

proof!(
    /// May plan, start, approve and cancel runs, and resync a record.
    Runner, runner, Right::Run
);
proof!(
    /// May create syncs and edit mappings.
    Editor, editor, Right::EditMapping
);
proof!(
    /// May add connections and set their credentials.
    Keyholder, keyholder, Right::ManageConnections
);
proof!(
    /// May export the audit trail.
    Auditor, auditor, Right::ExportAudit
);
proof!(
    /// May add people and set roles.
    Manager, manager, Right::ManageTeam
);

impl Engine {
    /// The proof that a signed-in person may look at a workspace; without one named, their first.
    ///
    /// # Errors
    /// [`EngineError::NotSignedIn`] when the person is unknown or disabled, [`EngineError::NotFound`] when they are no
    /// member of that workspace (the same answer as for a workspace that does not exist).
    pub async fn viewer(&self, person_id: PersonId, workspace_id: Option<WorkspaceId>) -> Result<Viewer> {
        let mut conn = self.pool().acquire().await?;
        let person = store::people::find(&mut conn, person_id).await?.ok_or(EngineError::NotSignedIn)?;
        let member = store::people::membership(&mut conn, person_id, workspace_id)
            .await?
            .ok_or(EngineError::NotFound("workspace"))?;
        Ok(Viewer(Actor {
            workspace_id: member.workspace_id,
            person_id: Some(person_id),
            key: format!("person:{person_id}"),
            name: person.name,
            role: member.role,
        }))
    }

    /// As [`Engine::viewer`] for a workspace chosen earlier; where the person belongs there no longer, their first.
    ///
    /// # Errors
    /// [`EngineError::NotSignedIn`] when the person is unknown, disabled, or belongs to no workspace.
    pub async fn viewer_of_login(&self, person_id: PersonId, chosen: Option<WorkspaceId>) -> Result<Viewer> {
        let stranger = |error| match error {
            EngineError::NotFound(_) => EngineError::NotSignedIn,
            other => other,
        };
        if chosen.is_some() {
            match self.viewer(person_id, chosen).await {
                Err(EngineError::NotFound(_)) => {}
                known => return known,
            }
        }
        self.viewer(person_id, None).await.map_err(stranger)
    }

    /// The proof the command line gets: whoever may read the installation's key may do everything.
    /// Without a name, the first workspace, made if there is none.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown name; database errors.
    pub async fn command_line(&self, workspace: Option<&str>) -> Result<Viewer> {
        let workspace_id = self.workspace_for_command_line(workspace).await?;
        Ok(Viewer(Actor {
            workspace_id,
            person_id: None,
            key: "command-line".to_owned(),
            name: "command line".to_owned(),
            role: Role::Owner,
        }))
    }
}
