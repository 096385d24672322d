//! Accounts: the first start, signing in, and who belongs to a workspace.

mod password;
mod setup;
mod team;
mod throttle;
mod workspaces;

pub use setup::NewOwner;
pub use team::Added;

use crate::{
    Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    store::{self, Tables},
};
use domain::{
    PersonId, Role, WorkspaceId,
    limits::{EMAIL_CHARS, NAME_CHARS},
    view::{At, SessionView},
};
use secrecy::SecretString;
use sqlx::Connection as _;
use throttle::Attempt;

/// The workspace made when none was named.
const FIRST_WORKSPACE: &str = "main";

/// A person about to be added.
#[derive(Debug)]
pub struct NewPerson {
    pub email: String,
    /// Empty: what stands before the `@`.
    pub name: String,
    pub role: Role,
    pub password: SecretString,
}

/// A new person whose input keeps the rules.
struct Checked {
    email: String,
    name: String,
    password: SecretString,
}

impl Engine {
    /// Checks a password. `address` is where the request came from, for the throttle.
    ///
    /// # Errors
    /// [`EngineError::NotSignedIn`] when e-mail and password do not belong together, whatever the reason;
    /// [`EngineError::Throttled`]; database errors.
    pub async fn sign_in(&self, email: &str, password: SecretString, address: &str) -> Result<PersonId> {
        let email = normal_email(email);
        let now = self.clock().now();
        let mut conn = self.pool().acquire().await?;
        store::people::sweep_failures(&mut conn, now - throttle::WINDOW).await?;
        let attempt = Attempt::note(&mut conn, &email, address, now).await?;
        let person = store::people::secret(&mut conn, &email).await?;
        // Hashing takes a while: others can have the connection meanwhile.
        drop(conn);
        let verdict = password::matches(&password, person.as_ref().map(|person| person.password_hash.as_str())).await;

        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        let matches = match verdict {
            Ok(matches) => matches,
            Err(error) => {
                attempt.take_back(&mut tx).await?;
                tx.commit().await?;
                return Err(error);
            }
        };
        let Some(person) = person else {
            tx.rollback().await?;
            tracing::info!(client.address = address, "sign-in refused: nobody has that address");
            return Err(EngineError::NotSignedIn);
        };
        let workspaces = store::people::workspaces(&mut tx, person.person_id).await?;
        // Whoever was removed from the last team has an account and nothing to see with it.
        let matches = matches && !workspaces.is_empty();
        let key = format!("person:{}", person.person_id);
        let line = if matches {
            attempt.succeeded(&mut tx).await?;
            NewAuditLine::of((key.clone(), person.name.clone()), AuditAction::SignedIn, now).about(key, &person.name)
        } else {
            // Nobody proved to be that person: they are the subject, not the actor.
            NewAuditLine::of(("stranger".to_owned(), "somebody".to_owned()), AuditAction::SignInRefused, now)
                .about(key, &person.name)
                .ended(AuditOutcome::Refused)
                .with("reason", "wrong password")
        };
        let line = line.with("address", address);
        for workspace_id in workspaces {
            audit::append(&mut tx, workspace_id, line.clone()).await?;
        }
        tx.commit().await?;
        if matches { Ok(person.person_id) } else { Err(EngineError::NotSignedIn) }
    }

    /// Who is looking, for the frame around every page.
    ///
    /// # Errors
    /// [`EngineError::NotSignedIn`] when the person was disabled meanwhile; database errors.
    pub async fn session(&self, viewer: &Viewer) -> Result<SessionView> {
        let actor = viewer.actor();
        let mut conn = self.pool().acquire().await?;
        let email = match actor.person_id() {
            Some(id) => store::people::find(&mut conn, id).await?.ok_or(EngineError::NotSignedIn)?.email,
            None => String::new(),
        };
        let workspace = store::workspaces::name(&mut conn, viewer.workspace_id()).await?;
        let waiting = store::decisions::waiting(&mut conn, viewer.workspace_id(), None).await?;
        let many_workspaces = match actor.person_id() {
            Some(id) => store::people::workspaces(&mut conn, id).await?.len() > 1,
            None => false,
        };
        Ok(SessionView {
            person: actor.name().to_owned(),
            email,
            role: actor.role(),
            workspace,
            many_workspaces,
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            now: At::from(self.clock().now()),
        })
    }

    /// The named workspace, or the first one, made if there is none: `apply` may run before anybody has an account.
    pub(crate) async fn workspace_for_command_line(&self, name: Option<&str>) -> Result<WorkspaceId> {
        let mut conn = self.store().session().await?;
        if let Some(name) = name {
            return conn.workspace_by_name(name).await?.ok_or(EngineError::NotFound("workspace"));
        }
        if let Some(first) = conn.first_workspace().await? {
            return Ok(first);
        }
        drop(conn);
        let mut tx = self.store().begin().await?;
        tx.lock_people().await?;
        let who = ("command-line".to_owned(), "command line".to_owned());
        let workspace_id = self.first_workspace(&mut *tx, FIRST_WORKSPACE, who).await?;
        tx.commit().await?;
        Ok(workspace_id)
    }

    /// The first workspace, made under that name if there is none. The caller holds the lock on people.
    async fn first_workspace(&self, conn: &mut dyn Tables, name: &str, by: (String, String)) -> Result<WorkspaceId> {
        if let Some(first) = conn.first_workspace().await? {
            return Ok(first);
        }
        let workspace_id = WorkspaceId(self.entropy().uuid());
        conn.insert_workspace(workspace_id, name).await?;
        let line = NewAuditLine::of(by, AuditAction::WorkspaceCreated, self.clock().now())
            .about(format!("workspace:{workspace_id}"), name)
            .with("name", name);
        audit::append(conn, workspace_id, line).await?;
        Ok(workspace_id)
    }
}

/// The form in which addresses are stored and compared.
fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

fn checked(email: &str, name: &str, password: SecretString) -> Result<Checked> {
    let email = normal_email(email);
    let mut problems = Vec::new();
    if !is_email(&email) {
        problems.push("email: write an address such as ada@example.com".to_owned());
    }
    let name = match name.trim() {
        "" => email.split('@').next().unwrap_or_default(),
        name => name,
    }
    .to_owned();
    if !is_short_line(&name) {
        problems.push(format!("name: use one line of at most {NAME_CHARS} characters"));
    }
    problems.extend(password::problems(&password, &email));
    if problems.is_empty() { Ok(Checked { email, name, password }) } else { Err(EngineError::Invalid(problems)) }
}

/// Something, `@`, something, and nothing that belongs into no address. Whether it exists, only a letter would tell.
fn is_email(email: &str) -> bool {
    let parts = email.split_once('@');
    parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'))
        && email.chars().count() <= EMAIL_CHARS
        && !email.chars().any(|char| char.is_whitespace() || char.is_control())
}

fn is_short_line(text: &str) -> bool {
    text.chars().count() <= NAME_CHARS && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_halves_and_no_spaces() {
        let check = |email: &str, good: bool| assert_eq!(is_email(email), good, "{email}");
        check("ada@example.com", true);
        check("ada+billing@localhost", true);
        check("ada", false);
        check("@example.com", false);
        check("ada@", false);
        check("ada@home@example.com", false);
        check("ada lovelace@example.com", false);
        check(&format!("{}@example.com", "a".repeat(250)), false);
    }

    #[test]
    fn a_person_without_a_name_is_called_by_their_address() {
        let password = SecretString::from("a good long password");
        assert_eq!(checked(" Ada@Example.com ", " ", password).unwrap().name, "ada");
    }

    #[test]
    fn every_broken_rule_is_named() {
        let error = checked("nobody", "two\nlines", SecretString::from("short")).err().unwrap();
        assert!(matches!(error, EngineError::Invalid(problems) if problems.len() == 3));
    }
}
