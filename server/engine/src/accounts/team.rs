//! Who belongs to a workspace, in which role. A workspace always keeps an owner.

use super::{NewPerson, checked, normal_email, password};
use crate::{
    Engine, EngineError, Manager, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    store::{self, people::NewPersonRow},
};
use domain::{
    PersonId, Role, WorkspaceId,
    view::{At, MemberView},
};
use sqlx::{Connection as _, PgConnection};

/// A person who now belongs to the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    pub person_id: PersonId,
    /// False: they had an account already, and keep the password they have.
    pub is_new: bool,
}

impl Engine {
    /// Adds a person to the manager's workspace. Whoever has an account already only joins: name and password stay.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] when a rule is broken or the person belongs to the workspace already; database errors.
    pub async fn add_person(&self, manager: &Manager, new: NewPerson) -> Result<Added> {
        let known = {
            let mut conn = self.pool().acquire().await?;
            store::people::by_email(&mut conn, &normal_email(&new.email)).await?
        };
        match known {
            Some((person_id, name)) => {
                self.join(manager, (person_id, &name), &new).await?;
                Ok(Added { person_id, is_new: false })
            }
            None => Ok(Added { person_id: self.add_new_person(manager, new).await?, is_new: true }),
        }
    }

    async fn join(&self, manager: &Manager, (person_id, name): (PersonId, &str), new: &NewPerson) -> Result<()> {
        let workspace_id = manager.workspace_id();
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::people::lock(&mut tx).await?;
        if store::people::membership(&mut tx, person_id, Some(workspace_id)).await?.is_some() {
            return Err(EngineError::invalid(format!("email: {name} belongs to this workspace already")));
        }
        store::people::join(&mut tx, workspace_id, person_id, new.role).await?;
        let line = self.line(manager, AuditAction::PersonAdded, (person_id, name)).with("role", new.role.as_str());
        audit::append(&mut tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn add_new_person(&self, manager: &Manager, new: NewPerson) -> Result<PersonId> {
        let role = new.role;
        let checked = checked(&new.email, &new.name, new.password)?;
        let password_hash = password::hash(&checked.password, self.entropy()).await?;
        let person_id = PersonId(self.entropy().uuid());
        let workspace_id = manager.workspace_id();

        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::people::lock(&mut tx).await?;
        let row = NewPersonRow { person_id, email: &checked.email, name: &checked.name, password_hash: &password_hash };
        if !store::people::insert(&mut tx, &row).await? {
            return Err(EngineError::invalid(format!("email: {} has an account already", checked.email)));
        }
        store::people::join(&mut tx, workspace_id, person_id, role).await?;
        // Whoever holds a set-up link must not make a second owner behind the first one's back.
        store::workspaces::end_setup_links(&mut tx).await?;
        let line = self
            .line(manager, AuditAction::PersonAdded, (person_id, &checked.name))
            .with("role", role.as_str())
            .with("email", checked.email.as_str());
        audit::append(&mut tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(person_id)
    }

    /// Gives a member another role. It holds at once, for sessions that are open too.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::AlreadyDone`] when they have it; [`EngineError::Invalid`] for the
    /// last owner; database errors.
    pub async fn change_role(&self, manager: &Manager, person_id: PersonId, role: Role) -> Result<()> {
        let workspace_id = manager.workspace_id();
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        let (name, before) = member(&mut tx, workspace_id, person_id).await?;
        if before == role {
            return Err(EngineError::AlreadyDone);
        }
        if before == Role::Owner && store::people::owners(&mut tx, workspace_id).await? < 2 {
            return Err(last_owner("role", &name));
        }
        store::people::set_role(&mut tx, workspace_id, person_id, role).await?;
        let line = self.line(manager, AuditAction::RoleChanged, (person_id, &name)).with("role", role.as_str()).change(
            "",
            "role",
            before.as_str(),
            role.as_str(),
        );
        audit::append(&mut tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes a member out of the workspace and ends their sessions. Their account stays, for other workspaces.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for the last owner; database errors.
    pub async fn remove_member(&self, manager: &Manager, person_id: PersonId) -> Result<()> {
        let workspace_id = manager.workspace_id();
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        let (name, role) = member(&mut tx, workspace_id, person_id).await?;
        if role == Role::Owner && store::people::owners(&mut tx, workspace_id).await? < 2 {
            return Err(last_owner("person", &name));
        }
        store::people::leave(&mut tx, workspace_id, person_id).await?;
        store::logins::delete_of(&mut tx, person_id).await?;
        let line = self.line(manager, AuditAction::PersonRemoved, (person_id, &name)).with("role", role.as_str());
        audit::append(&mut tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who belongs to the workspace, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn members(&self, viewer: &Viewer) -> Result<Vec<MemberView>> {
        let own = viewer.actor().person_id();
        let mut conn = self.pool().acquire().await?;
        let rows = store::people::members(&mut conn, viewer.workspace_id()).await?;
        rows.into_iter()
            .map(|row| {
                Ok(MemberView {
                    id: row.person_id.to_string(),
                    is_you: own == Some(PersonId(row.person_id)),
                    role: store::people::role(&row.role)?,
                    name: row.name,
                    email: row.email,
                    since: At::from(row.since),
                    last_seen: row.last_seen.map(At::from),
                })
            })
            .collect()
    }

    fn line(&self, manager: &Manager, action: AuditAction, (person_id, name): (PersonId, &str)) -> NewAuditLine {
        NewAuditLine::by(manager.actor(), action, self.clock().now()).about(format!("person:{person_id}"), name)
    }
}

/// A member's name and role; until the transaction ends nobody else changes who belongs to what.
async fn member(conn: &mut PgConnection, workspace_id: WorkspaceId, person_id: PersonId) -> Result<(String, Role)> {
    store::people::lock(conn).await?;
    let none = EngineError::NotFound("person");
    let Some(member) = store::people::membership(conn, person_id, Some(workspace_id)).await? else { return Err(none) };
    let person = store::people::find(conn, person_id).await?.ok_or(none)?;
    Ok((person.name, member.role))
}

fn last_owner(field: &str, name: &str) -> EngineError {
    EngineError::invalid(format!("{field}: {name} is the only owner; make somebody else an owner first"))
}
