//! OAuth in its smallest honest form: authorise, exchange, rotate, mint for a location, reconnect, list installs,
//! uninstall.

use maud::{DOCTYPE, html};
use rand::Rng;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    HighLevel,
    auth::{Class, Token, all_scopes},
    contact::iso,
    location::Event,
    refusal::{Answer, Refusal},
    webhooks::{APP_ID, VERSION_ID},
};
use crate::request::{Reply, Request, encode, pairs};

/// Seconds an access token lives.
pub(super) const EXPIRES_IN: i64 = 86_399;
/// How long an authorisation code can be exchanged.
const CODE_LIFE: Duration = Duration::minutes(10);

/// The app's id and secret.
pub const CLIENT_ID: &str = "665c6bb13d4e5364bdec0e2f-sandbox1";
/// See [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "00000000-0000-4000-8000-000000000000";

fn refused() -> Refusal {
    let body = json!({ "error": "UnAuthorized!", "error_description": "Authorization code not found" });
    Refusal { status: 401, body }
}

fn value<'a>(form: &'a [(String, String)], key: &str) -> &'a str {
    form.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
}

impl HighLevel {
    /// Makes a code as if a person had approved the app for a class.
    pub fn authorization_code(&mut self, class: Class, now: OffsetDateTime) -> String {
        let bytes: [u8; 20] = self.rng.random();
        let code = hex::encode(bytes);
        self.tokens.codes.insert(code.clone(), (class, now + CODE_LIFE));
        code
    }

    /// The page where a person chooses a location, or the whole agency, or declines.
    pub(super) fn choose_location(&mut self, request: &Request, now: OffsetDateTime) -> Reply {
        let Some(back) = request.param("redirect_uri").map(str::to_owned) else {
            return Reply::text(400, "redirect_uri is missing");
        };
        if request.param("client_id") != Some(CLIENT_ID) || request.param("response_type") != Some("code") {
            return Reply::text(400, "there is no such app");
        }
        let state = request.param("state").map(|state| format!("&state={}", encode(state))).unwrap_or_default();
        let join = if back.contains('?') { '&' } else { '?' };
        let class = match (request.param("location_id"), request.param("choose")) {
            (Some(id), _) if self.locations.contains_key(id) => Class::Location(id.to_owned()),
            (_, Some("agency")) => Class::Company(self.company_id.clone()),
            (_, Some("decline")) => {
                let why = encode("The user declined");
                return Reply::see_other(&format!("{back}{join}error=access_denied&error_description={why}{state}"));
            }
            _ => return self.chooser(request),
        };
        let code = self.authorization_code(class, now);
        Reply::see_other(&format!("{back}{join}code={code}{state}"))
    }

    fn chooser(&self, request: &Request) -> Reply {
        let asked: Vec<String> =
            request.query.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let link = |choice: &str| format!("/oauth/chooselocation?{}&{choice}", asked.join("&"));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    link rel="icon" href="data:,";
                    title { "Choose a location · GoHighLevel" }
                }
                body {
                    h1 { "Where shall the app be installed?" }
                    p { "Simulated: nobody but this machine sees it." }
                    ul {
                        @for location in self.locations.values() {
                            li { a href=(link(&format!("location_id={}", location.id))) { (location.name) } }
                        }
                        li { a href=(link("choose=agency")) { "The whole agency" } }
                        li { a href=(link("choose=decline")) { "Do not install it" } }
                    }
                }
            }
        };
        Reply::html(200, page.into_string())
    }

    /// Takes the app out of a location, or of the whole agency, as a person would: its tokens are worth nothing from then
    /// on, and a webhook tells. False: it is not installed there.
    pub fn uninstall(&mut self, class: &Class, now: OffsetDateTime) -> bool {
        let gone = self.of_class(class);
        if !gone.iter().any(|id| self.tokens.installed.contains(id)) {
            return false;
        }
        self.tokens.installed.retain(|id| !gone.contains(id));
        self.tokens.forget(|known| known == class || matches!(known, Class::Location(id) if gone.contains(id)));
        self.tell_install("UNINSTALL", class, now);
        true
    }

    fn of_class(&self, class: &Class) -> Vec<String> {
        match class {
            Class::Location(id) => vec![id.clone()],
            Class::Company(_) => self.locations.keys().cloned().collect(),
        }
    }

    fn tell_install(&mut self, name: &'static str, class: &Class, now: OffsetDateTime) {
        let mut payload = Map::new();
        payload.insert("companyId".to_owned(), Value::from(self.company_id.as_str()));
        let kind = if matches!(class, Class::Location(_)) { "Location" } else { "Company" };
        payload.insert("installType".to_owned(), Value::from(kind));
        let location_id = match class {
            Class::Location(id) => Some(id.as_str()),
            Class::Company(_) => None,
        };
        self.sender.queue_of_app(location_id, Event { name, payload }, now);
    }

    /// `POST /oauth/token`: no `Version` header, form body.
    pub(super) fn token(&mut self, request: &Request, now: OffsetDateTime) -> Answer {
        let form = pairs(&String::from_utf8_lossy(&request.body));
        if value(&form, "client_id") != CLIENT_ID || value(&form, "client_secret") != CLIENT_SECRET {
            return Err(refused());
        }
        let class = match value(&form, "grant_type") {
            "authorization_code" => {
                let (class, until) = self.tokens.codes.remove(value(&form, "code")).ok_or_else(refused)?;
                if now >= until {
                    return Err(refused());
                }
                let places = self.of_class(&class);
                // What comes of a reconnect is no new install.
                if !places.iter().all(|id| self.tokens.installed.contains(id)) {
                    self.tokens.installed.extend(places);
                    self.tell_install("INSTALL", &class, now);
                }
                class
            }
            "refresh_token" => self.refreshed(value(&form, "refresh_token"))?,
            other => {
                let body = json!({ "error": "unsupported_grant_type", "error_description": other });
                return Err(Refusal { status: 400, body });
            }
        };
        Ok((200, self.pair(class, now)))
    }

    /// The old token is gone whatever happens next: refreshing rotates.
    fn refreshed(&mut self, token: &str) -> Result<Class, Refusal> {
        let known = if self.tokens.revoked { None } else { self.tokens.refresh.remove(token) };
        known.ok_or_else(|| {
            let body = json!({ "error": "invalid_grant", "error_description": "This refresh token is invalid" });
            Refusal { status: 400, body }
        })
    }

    fn secret(&mut self) -> String {
        let bytes: [u8; 32] = self.rng.random();
        hex::encode(bytes)
    }

    fn pair(&mut self, class: Class, now: OffsetDateTime) -> Value {
        let (access, refresh) = (self.secret(), self.secret());
        self.tokens.give(access.clone(), Token::oauth(class.clone(), now));
        self.tokens.refresh.insert(refresh.clone(), class.clone());
        let mut body = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
            "refresh_token": refresh,
            "scope": all_scopes().join(" "),
            "companyId": self.company_id,
            "userId": self.locations.values().next().map(|location| location.user_id.clone()),
            "isBulkInstallation": false,
        });
        if let Some(map) = body.as_object_mut() {
            let (kind, location) = match class {
                Class::Location(id) => ("Location", Some(id)),
                Class::Company(_) => ("Company", None),
            };
            map.insert("userType".to_owned(), Value::from(kind));
            if let Some(id) = location {
                map.insert("locationId".to_owned(), Value::from(id));
            }
        }
        body
    }

    /// `POST /oauth/locationToken`: mints a location's token from an agency's. The live service answers 201.
    pub(super) fn location_token(&mut self, request: &Request, now: OffsetDateTime) -> Answer {
        let Class::Company(company) = self.tokens.of(request, now)?.class.clone() else {
            return Err(Refusal::unauthorized("Token's user type mismatch!"));
        };
        let form = pairs(&String::from_utf8_lossy(&request.body));
        let location_id = value(&form, "locationId").to_owned();
        if value(&form, "companyId") != company {
            return Err(Refusal::wrong_location());
        }
        let Some(location) = self.locations.get(&location_id) else {
            return Err(Refusal::bad_request("Location not found"));
        };
        if !self.tokens.installed.contains(&location_id) {
            return Err(Refusal::bad_request("No installation found"));
        }
        let user_id = location.user_id.clone();
        let access = self.secret();
        self.tokens.give(access.clone(), Token::oauth(Class::Location(location_id.clone()), now));
        let body = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
            "scope": all_scopes().join(" "),
            "locationId": location_id,
            "userId": user_id,
            "appId": APP_ID,
            "versionId": VERSION_ID,
        });
        Ok((201, body))
    }

    /// `POST /oauth/reconnect`: a new code for an install whose tokens were lost.
    pub(super) fn reconnect(&mut self, request: &Request, now: OffsetDateTime) -> Answer {
        let body = request.json().unwrap_or(Value::Null);
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("clientKey") != CLIENT_ID || text("clientSecret") != CLIENT_SECRET {
            return Err(refused());
        }
        let class = if self.tokens.revoked || self.tokens.installed.is_empty() {
            return Err(Refusal::bad_request("No installation found"));
        } else if self.tokens.installed.contains(text("locationId")) {
            Class::Location(text("locationId").to_owned())
        } else if text("companyId") == self.company_id {
            Class::Company(self.company_id.clone())
        } else {
            return Err(Refusal::bad_request("No installation found"));
        };
        let code = self.authorization_code(class, now);
        Ok((200, json!({ "authorizationCode": code, "expiresAt": iso(now + CODE_LIFE) })))
    }

    /// `GET /oauth/installedLocations`.
    pub(super) fn installed_locations(&self, request: &Request, now: OffsetDateTime) -> Answer {
        if !matches!(self.tokens.of(request, now)?.class, Class::Company(_)) {
            return Err(Refusal::unauthorized("Token's user type mismatch!"));
        }
        let locations: Vec<Value> = self
            .locations
            .values()
            .map(|location| {
                json!({
                    "_id": &*location.id,
                    "name": location.name,
                    "address": "1 Main Street, Chicago, IL 60601, USA",
                    "isInstalled": self.tokens.installed.contains(&*location.id),
                    "versionId": VERSION_ID,
                })
            })
            .collect();
        let count = locations.len();
        Ok((200, json!({ "locations": locations, "count": count, "installToFutureLocations": false })))
    }
}
