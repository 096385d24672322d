//! A line in words: one plain sentence per action, and its changed fields.

use super::action::AuditAction;
use crate::store::audit::AuditLineRow;
use domain::view::{At, AuditLineView, ChangeView};
use serde_json::Value;

/// The line as a page shows it.
pub(crate) fn view(row: AuditLineRow) -> AuditLineView {
    let words = sentence(&row);
    let changes = changes(&row.detail);
    AuditLineView {
        line_no: u64::try_from(row.line_no).unwrap_or_default(),
        at: At::from(row.at),
        words,
        changes,
        actor: row.actor,
        actor_name: row.actor_name,
        action: row.action,
        subject: row.subject,
        subject_name: row.subject_name,
        outcome: row.outcome,
        run_number: row.run_number.and_then(|number| u64::try_from(number).ok()),
        contact_id: row.contact_id,
        customer_id: row.customer_id,
        hash: hex::encode(&row.hash),
        previous_hash: hex::encode(&row.previous_hash),
        detail: row.detail.to_string(),
    }
}

/// The changed fields of a line's detail; what is not in that shape is left out.
pub(crate) fn changes(detail: &Value) -> Vec<ChangeView> {
    detail
        .get("changes")
        .and_then(|changes| serde_json::from_value::<Vec<Value>>(changes.clone()).ok())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|change| serde_json::from_value(change).ok())
        .collect()
}

/// What happened, as one would say it.
pub(crate) fn sentence(row: &AuditLineRow) -> String {
    let said = match AuditAction::named(&row.action) {
        Some(action) => phrase(action, row),
        // Written by a newer version: better bare than not at all.
        None => format!("{}: {} {}", row.actor_name, row.action, row.subject_name),
    };
    match (row.outcome.as_str(), text(row, "reason")) {
        ("done", None) => said,
        (_, Some(reason)) => format!("{said}: {reason}"),
        (outcome, None) => format!("{said} ({outcome})"),
    }
    .trim()
    .to_owned()
}

#[expect(clippy::too_many_lines, reason = "a table with one entry per action")]
fn phrase(action: AuditAction, row: &AuditLineRow) -> String {
    let who = if row.actor_name.is_empty() { &row.actor } else { &row.actor_name };
    let what = if row.subject_name.is_empty() { &row.subject } else { &row.subject_name };
    let side = product(text(row, "side"));
    match action {
        AuditAction::SignedIn => format!("{who} signed in"),
        AuditAction::SignInRefused => format!("A sign-in as {what} was turned away"),
        AuditAction::PersonAdded if row.actor == row.subject => {
            format!("{who} joined{}", prefixed(" as ", text(row, "role")))
        }
        AuditAction::PersonAdded => format!("{who} added {what}{}", prefixed(" as ", text(row, "role"))),
        AuditAction::RoleChanged => format!("{who} made {what} {}", with_article(text(row, "role"))),
        AuditAction::PersonRemoved => format!("{who} removed {what} from the team"),
        AuditAction::SetupClaimed => format!("{who} used the set-up link and became the first owner"),
        AuditAction::WorkspaceCreated => format!("{who} made the workspace {what}"),
        AuditAction::WorkspaceRenamed => format!("{who} renamed the workspace to {what}"),
        AuditAction::ConnectionAdded => format!("{who} added the connection {what}"),
        AuditAction::ConnectionChanged => match state(row).as_deref() {
            Some("refused") => format!("{} refuses the credential of the connection {what}", capital(side)),
            Some("blocked") => format!("{} blocks the account of the connection {what}", capital(side)),
            Some("healthy") => format!("{} accepts the connection {what}", capital(side)),
            _ => format!("{who} changed the connection {what}"),
        },
        AuditAction::CredentialRotated => {
            format!("{who} set a new {} for the connection {what}", credential(text(row, "field")))
        }
        AuditAction::FieldsRead => {
            let names = |key| row.detail.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            let side = capital(side);
            format!("{side} has {} new fields of its own and lacks {} in {what}", names("new"), names("gone"))
        }
        AuditAction::FieldMade => {
            format!(
                "{who} made the custom field {} in {side} of the connection {what}",
                text(row, "name").unwrap_or_default()
            )
        }
        AuditAction::ConnectionTested => format!("{who} tested the connection {what}"),
        AuditAction::CredentialRemoved => {
            format!("{who} removed the {} of the connection {what}", credential(text(row, "field")))
        }
        AuditAction::AppSet => format!("{who} set the app that the connection {what} calls with"),
        AuditAction::AppInstalled if row.outcome == "done" => {
            format!("{who} installed the app of the connection {what} in {side}")
        }
        AuditAction::AppInstalled => format!("{who} did not install the app of the connection {what} in {side}"),
        AuditAction::AppUninstalled => {
            format!("The app of the connection {what} was uninstalled in {side}")
        }
        AuditAction::TokenRenewed if row.outcome == "done" => {
            format!("{} gave the app of the connection {what} a new token", capital(side))
        }
        AuditAction::TokenRenewed => format!("The connection {what} got no new token"),
        AuditAction::SyncCreated => format!("{who} created the sync {what}"),
        AuditAction::SyncChanged if changes(&row.detail).is_empty() => format!("{who} changed the sync {what}"),
        AuditAction::SyncChanged => format!("{who} changed {} of the sync {what}", fields(row)),
        AuditAction::SyncEnabled => format!("{who} switched the sync {what} on"),
        AuditAction::SyncDisabled => format!("{who} switched the sync {what} off"),
        AuditAction::MappingSaved => {
            format!("{who} saved{} of the mapping of {what}", prefixed(" version ", number(row, "version").as_deref()))
        }
        AuditAction::RunQueued => format!("{who} started {}", run(row, text(row, "mode"))),
        AuditAction::RunApproved => format!("{who} approved {}", run(row, None)),
        AuditAction::RunCancelled => format!("{who} cancelled {}", run(row, None)),
        AuditAction::RunFinished => {
            format!("{} ended{}", capital(&run(row, None)), prefixed(" as ", status(row).as_deref()))
        }
        AuditAction::RecordCreated => format!("{who} created {what} in {side}"),
        AuditAction::RecordUpdated => format!("{who} changed {} of {what} in {side}", fields(row)),
        AuditAction::RecordLinked => format!("{who} linked {what}"),
        AuditAction::RecordUnlinked => format!("{who} unlinked {what}"),
        AuditAction::RecordDeleted => format!("{who} deleted {what} in {side}"),
        AuditAction::RemovalApproved => format!("{who} approved that {what} is deleted in {side}"),
        AuditAction::RemovalRefused => format!("{who} kept {what} in {side}"),
        AuditAction::RecordRestored => format!("{} has {what} again", capital(side)),
        AuditAction::TombstonesPurged => {
            let count = number(row, "count").unwrap_or_else(|| "some".to_owned());
            format!("{who} took away what was kept of records deleted long ago: {count}")
        }
        AuditAction::RecordDecided => format!("{who} decided about {what}"),
        AuditAction::DecisionTakenBack => format!("{who} took back the decision about {what}"),
        AuditAction::NoteWritten => format!("{who} wrote {what} to {}", subscription(row)),
        AuditAction::NoteRewritten => format!("{who} brought {what} up to date in {}", subscription(row)),
        AuditAction::NoteMarkedDeleted => format!("{who} marked {what} as deleted in {}", subscription(row)),
        AuditAction::NoteRetried => format!("{who} asked for {what} to be written anew"),
        AuditAction::WriteRefused => format!("{} did not take a change of {what} by {who}", capital(side)),
        AuditAction::DeliveryRefused => format!("A webhook for {what} was turned away"),
        AuditAction::WebhooksTested => format!("{who} tested the webhook address of {what}"),
        AuditAction::WebhooksRegistered => format!("{who} registered the webhooks of {what} in {side}"),
        AuditAction::WebhooksFetched => match number(row, "count") {
            Some(count) => format!("{who} had {count} missed webhooks of {what} sent again by {side}"),
            None => format!("{who} had read what changed in {what} unheard"),
        },
        AuditAction::WebhooksStopped => format!("{} stopped sending webhooks of {what}", capital(side)),
        AuditAction::WebhooksSilent => {
            let expected = prefixed(", where at least ", number(row, "expected").as_deref());
            let were = if expected.is_empty() { "" } else { " usually come in these hours" };
            format!("No webhook comes for {what}{expected}{were}")
        }
        AuditAction::WebhooksHeard => format!("Webhooks come again for {what}"),
        AuditAction::ConfigurationApplied => format!("{who} applied a configuration file"),
        AuditAction::AuditExported => format!("{who} exported the audit trail"),
        AuditAction::KeyRotated => format!("{who} sealed the credentials with another secret key"),
    }
}

fn with_article(role: Option<&str>) -> String {
    let role = role.unwrap_or("member");
    let article = if role.starts_with(['a', 'o']) { "an" } else { "a" };
    format!("{article} {role}")
}

fn text<'a>(row: &'a AuditLineRow, key: &str) -> Option<&'a str> {
    row.detail.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn number(row: &AuditLineRow, key: &str) -> Option<String> {
    row.detail.get(key).and_then(Value::as_i64).map(|number| number.to_string())
}

fn status(row: &AuditLineRow) -> Option<String> {
    text(row, "status").map(|status| status.replace('_', " "))
}

/// What a connection's state became, when the line is about that.
fn state(row: &AuditLineRow) -> Option<String> {
    changes(&row.detail).into_iter().find(|change| change.field == "state").map(|change| change.after)
}

fn prefixed(prefix: &str, word: Option<&str>) -> String {
    word.map(|word| format!("{prefix}{word}")).unwrap_or_default()
}

/// Where a note stands.
fn subscription(row: &AuditLineRow) -> String {
    match text(row, "subscription") {
        Some(id) => format!("subscription {id} in Chargify"),
        None => "Chargify".to_owned(),
    }
}

fn product(side: Option<&str>) -> &'static str {
    match side {
        Some("highlevel") => "GoHighLevel",
        Some("chargify") => "Chargify",
        _ => "the other service",
    }
}

fn credential(field: Option<&str>) -> &'static str {
    match field {
        Some("token") => "token",
        Some("api_key") => "API key",
        Some("shared_key") => "webhook key",
        Some("client_secret") => "client secret",
        Some("workflow_secret") => "secret of workflow webhooks",
        _ => "credential",
    }
}

/// The run a line is about, with the sync where the line names it: its subject is called "run 7 of contacts".
fn run(row: &AuditLineRow, mode: Option<&str>) -> String {
    let number = row.run_number.map_or_else(|| "a run".to_owned(), |number| format!("run {number}"));
    let mode = mode.map(|mode| format!(" ({mode})")).unwrap_or_default();
    let sync = row.subject_name.split_once(" of ").map(|(_run, sync)| sync);
    format!("{number}{mode}{}", prefixed(" of ", sync))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// How many fields a sentence names before it counts the rest.
const FIELDS_NAMED: usize = 3;

fn fields(row: &AuditLineRow) -> String {
    let names: Vec<String> = changes(&row.detail).into_iter().map(|change| change.field).collect();
    let rest = names.len().saturating_sub(FIELDS_NAMED);
    let named = names.iter().take(FIELDS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match (named.is_empty(), rest) {
        (true, _) => "fields".to_owned(),
        (false, 0) => named,
        (false, rest) => format!("{named} and {rest} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::OffsetDateTime;

    fn row(action: &str, outcome: &str, detail: Value) -> AuditLineRow {
        AuditLineRow {
            line_no: 1,
            at: OffsetDateTime::UNIX_EPOCH,
            actor: "person:1".to_owned(),
            actor_name: "Ada".to_owned(),
            action: action.to_owned(),
            subject: "link:1".to_owned(),
            subject_name: "Bob Stone".to_owned(),
            outcome: outcome.to_owned(),
            detail,
            run_id: None,
            contact_id: None,
            customer_id: None,
            previous_hash: vec![0; 32],
            hash: vec![1; 32],
            run_number: Some(7),
        }
    }

    #[test]
    fn every_action_reads_as_a_sentence() {
        let check = |action: &str, outcome: &str, detail: Value, words: &str| {
            assert_eq!(sentence(&row(action, outcome, detail)), words);
        };
        check("person.signed_in", "done", json!({}), "Ada signed in");
        check(
            "person.sign_in_refused",
            "refused",
            json!({"reason": "wrong password"}),
            "A sign-in as Bob Stone was turned away: wrong password",
        );
        check("person.added", "done", json!({"role": "admin"}), "Ada added Bob Stone as admin");
        check("person.role_changed", "done", json!({"role": "owner"}), "Ada made Bob Stone an owner");
        check("mapping.saved", "done", json!({"version": 3}), "Ada saved version 3 of the mapping of Bob Stone");
        let of_run = |action: &str, outcome: &str, detail: Value| {
            let subject_name = "run 7 of contacts".to_owned();
            sentence(&AuditLineRow { subject_name, ..row(action, outcome, detail) })
        };
        let started = of_run("run.queued", "done", json!({"mode": "full"}));
        assert_eq!(started, "Ada started run 7 (full) of contacts");
        let ended = of_run("run.finished", "failed", json!({"status": "complete_with_failures"}));
        assert_eq!(ended, "Run 7 of contacts ended as complete with failures (failed)");
        check("run.approved", "done", json!({}), "Ada approved run 7");
        let change = |field: &str| json!({"side": "chargify", "field": field, "before": "a", "after": "b"});
        check(
            "record.updated",
            "done",
            json!({"side": "chargify", "changes": [change("city"), change("zip"), change("state"), change("email")]}),
            "Ada changed city, zip, state and 1 more of Bob Stone in Chargify",
        );
        check(
            "connection.credential_rotated",
            "done",
            json!({"field": "api_key"}),
            "Ada set a new API key for the connection Bob Stone",
        );
        let became = |state: &str| {
            let change = json!({"side": "chargify", "field": "state", "before": "healthy", "after": state});
            json!({"side": "chargify", "reason": "Access denied.", "changes": [change]})
        };
        check(
            "connection.changed",
            "failed",
            became("refused"),
            "Chargify refuses the credential of the connection Bob Stone: Access denied.",
        );
        check("connection.changed", "done", json!({"side": "chargify"}), "Ada changed the connection Bob Stone");
        check("future.thing", "done", json!({}), "Ada: future.thing Bob Stone");
    }

    #[test]
    fn no_action_is_without_words() {
        for action in AuditAction::ALL {
            let words = sentence(&row(action.as_str(), "done", json!({})));
            assert!(!words.contains(action.as_str()), "{words}");
            assert!(words.starts_with(char::is_uppercase), "{words}");
        }
    }

    #[test]
    fn malformed_changes_are_left_out() {
        let good = json!({"side": "highlevel", "field": "city", "before": "", "after": "Rome"});
        assert_eq!(changes(&json!({"changes": [good, {"field": 3}, null]})).len(), 1);
        assert!(changes(&json!({"changes": "none"})).is_empty());
    }
}
