//! Which app a connection calls with, in place of a private token.

use super::{
    super::{ConnectionState, CredentialField, input, side_of},
    CHOOSERS, forget_tokens,
};
use crate::{
    Actor, Engine, EngineError, Keyholder, Result, Settings,
    audit::{self, AuditAction, NewAuditLine},
    store::{Tables, connections::ConnectionRow, installs::AppRow},
};
use domain::Side;
use secrecy::SecretString;

/// An app as entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewApp {
    pub client_id: String,
    /// Private apps are found by their version, too.
    pub version_id: Option<String>,
    /// Where a person chooses the location; the install link that the Marketplace makes will do. `None`: its own page.
    pub chooser_url: Option<String>,
}

impl NewApp {
    /// Checks everything at once and puts it into the form it is stored in.
    pub(in crate::connections) fn checked(&self, settings: &Settings) -> Result<AppRow, Vec<String>> {
        let mut faults = Vec::new();
        let client_id = self.client_id.trim().to_owned();
        if !is_id(&client_id) {
            faults.push("client_id: copy it from the app's settings in the Marketplace, under Client Keys".to_owned());
        }
        let filled =
            |text: &Option<String>| text.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut version_id = filled(&self.version_id);
        let mut chooser_url = None;
        if let Some(url) = filled(&self.chooser_url) {
            let (page, query) = url.split_once('?').unwrap_or((&url, ""));
            version_id = version_id.or_else(|| named(query, "version_id"));
            match allowed_chooser(page, settings) {
                Ok(()) => chooser_url = Some(page.trim_end_matches('/').to_owned()),
                Err(fault) => faults.push(fault),
            }
        }
        if version_id.as_deref().is_some_and(|id| !is_id(id)) {
            faults.push("version_id: it stands in the install link that the Marketplace makes".to_owned());
        }
        if faults.is_empty() { Ok(AppRow { client_id, version_id, chooser_url }) } else { Err(faults) }
    }
}

fn is_id(text: &str) -> bool {
    (8..=100).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn named(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

/// Whether people may be sent there. Asked again before every use.
pub(super) fn allowed_chooser(url: &str, settings: &Settings) -> Result<(), String> {
    if input::is_plain(url)
        && (CHOOSERS.iter().any(|official| url.starts_with(official)) || input::is_allowed(url, settings))
    {
        return Ok(());
    }
    Err("chooser_url: this is no page of the Marketplace. Leave it empty, or let whoever runs this server allow it: \
         CONCORD_ALLOW_BASE_URLS"
        .to_owned())
}

impl Engine {
    /// Makes a connection call with an app. A private token is forgotten; another app than before has to be installed.
    /// Without a secret, the one that is stored stays. False: it was so already.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] with every fault of the input; database errors.
    pub async fn use_app(&self, by: &Keyholder, key: &str, app: NewApp, secret: Option<SecretString>) -> Result<bool> {
        let mut tx = self.store().begin().await?;
        let is_changed = self.use_app_in(&mut *tx, by.actor(), key, (&app, secret)).await?;
        tx.commit().await?;
        Ok(is_changed)
    }

    /// As [`Engine::use_app`], in the caller's transaction.
    pub(crate) async fn use_app_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        key: &str,
        (app, secret): (&NewApp, Option<SecretString>),
    ) -> Result<bool> {
        let row = conn.connection_by_key(by.workspace_id(), key).await?.ok_or(EngineError::NotFound("connection"))?;
        if side_of(&row)? != Side::Highlevel {
            return Err(EngineError::invalid("client_id: only a connection to GoHighLevel has an app"));
        }
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let new = app.checked(self.settings()).map_err(EngineError::Invalid)?;
        let known = conn.install(workspace_id, connection_id).await?;
        let held = conn.credentials(workspace_id, connection_id).await?;
        let has_secret = held.iter().any(|one| one.field == CredentialField::ClientSecret.as_str());
        if secret.is_none() && !has_secret {
            return Err(EngineError::invalid("client_secret: enter the app's client secret"));
        }
        let before = known.as_ref().map(|known| AppRow {
            client_id: known.client_id.clone(),
            version_id: known.version_id.clone(),
            chooser_url: known.chooser_url.clone(),
        });
        let is_changed = before.as_ref() != Some(&new);
        if is_changed {
            conn.put_app(workspace_id, connection_id, &new).await?;
            if before.as_ref().is_none_or(|before| before.client_id != new.client_id) {
                forget_tokens(conn, workspace_id, connection_id).await?;
                conn.remove_credential(workspace_id, connection_id, CredentialField::Token.as_str()).await?;
            }
            self.tell_app(conn, by, &row, (before.as_ref(), &new)).await?;
        }
        let Some(secret) = secret else { return Ok(is_changed) };
        let field = CredentialField::ClientSecret;
        Ok(self.rotate_credential_in(conn, by, &row.public_id, (field, secret)).await? || is_changed)
    }

    /// Forgets the app and its tokens, if there is one.
    pub(in crate::connections) async fn forget_app(&self, conn: &mut dyn Tables, row: &ConnectionRow) -> Result<()> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        if conn.remove_install(workspace_id, connection_id).await? {
            forget_tokens(conn, workspace_id, connection_id).await?;
            conn.remove_credential(workspace_id, connection_id, CredentialField::ClientSecret.as_str()).await?;
        }
        Ok(())
    }

    async fn tell_app(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        row: &ConnectionRow,
        (before, new): (Option<&AppRow>, &AppRow),
    ) -> Result<()> {
        let at = self.clock().now();
        if before.is_none_or(|before| before.client_id != new.client_id) {
            let untested = (ConnectionState::Untested.as_str(), Some("the app is not installed yet"));
            conn.set_connection_state(row.workspace_id(), row.connection_id(), untested, at).await?;
        }
        let mut line = NewAuditLine::by(by, AuditAction::AppSet, at)
            .about(format!("connection:{}", row.connection_id()), &row.name)
            .with("side", row.side.as_str());
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        let pairs = [
            ("client_id", text(before.map(|one| &one.client_id)), new.client_id.clone()),
            ("version_id", text(before.and_then(|one| one.version_id.as_ref())), text(new.version_id.as_ref())),
            ("chooser_url", text(before.and_then(|one| one.chooser_url.as_ref())), text(new.chooser_url.as_ref())),
        ];
        for (field, before, after) in pairs.iter().filter(|(_, before, after)| before != after) {
            line = line.change(&row.side, field, before, after);
        }
        audit::append(conn, row.workspace_id(), line).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            public_url: "https://concord.example".to_owned(),
            allowed_base_urls: vec!["http://127.0.0.1:4101".to_owned()],
        }
    }

    fn app(chooser_url: &str) -> NewApp {
        NewApp {
            client_id: " 665c6bb13d4e5364bdec0e2f-lx2 ".to_owned(),
            version_id: None,
            chooser_url: Some(chooser_url.to_owned()),
        }
    }

    #[test]
    fn people_are_sent_to_the_marketplace_and_to_allowed_places_only() {
        let cases = [
            ("https://marketplace.gohighlevel.com/v2/oauth/chooselocation", true),
            ("https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation", true),
            ("http://127.0.0.1:4101/oauth/chooselocation", true),
            ("http://127.0.0.1:41011/oauth/chooselocation", false),
            ("https://marketplace.gohighlevel.com.evil.example/x", false),
            ("https://marketplace.gohighlevel.com@evil.example/x", false),
            ("javascript:alert(1)", false),
        ];
        for (url, good) in cases {
            assert_eq!(app(url).checked(&settings()).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn the_install_link_that_the_marketplace_makes_will_do() {
        let link =
            "https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code&version_id=665c6bb13d4e";
        let stored = app(link).checked(&settings()).unwrap();
        assert_eq!(stored.client_id, "665c6bb13d4e5364bdec0e2f-lx2");
        assert_eq!(stored.version_id.as_deref(), Some("665c6bb13d4e"));
        let page = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation";
        assert_eq!(stored.chooser_url.as_deref(), Some(page));
    }

    #[test]
    fn every_fault_of_an_app_is_told_at_once() {
        let entered = NewApp {
            client_id: "x".to_owned(),
            version_id: Some("a b".to_owned()),
            chooser_url: Some("https://evil.example".to_owned()),
        };
        let faults = entered.checked(&settings()).unwrap_err();
        let fields: Vec<&str> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(fields, ["client_id", "chooser_url", "version_id"]);
    }
}
