//! OAuth in its smallest honest form: authorise, exchange, rotate, mint for a location, reconnect, list installs.

use rand::Rng;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    HighLevel,
    auth::{Class, Token, all_scopes},
    contact::iso,
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

    /// The page where a person would choose a location; here the first one is chosen at once.
    pub(super) fn choose_location(&mut self, request: &Request, now: OffsetDateTime) -> Reply {
        let Some(back) = request.param("redirect_uri").map(str::to_owned) else {
            return Reply::text(400, "redirect_uri is missing");
        };
        let class = Class::Location(self.main_location_id().to_owned());
        let code = self.authorization_code(class, now);
        let join = if back.contains('?') { '&' } else { '?' };
        let state = request.param("state").map(|state| format!("&state={}", encode(state))).unwrap_or_default();
        Reply::see_other(&format!("{back}{join}code={code}{state}"))
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
                if now < until { class } else { return Err(refused()) }
            }
            // The old token is gone whatever happens next: refreshing rotates.
            "refresh_token" => self.tokens.refresh.remove(value(&form, "refresh_token")).ok_or_else(|| {
                let body = json!({ "error": "invalid_grant", "error_description": "This refresh token is invalid" });
                Refusal { status: 400, body }
            })?,
            other => {
                let body = json!({ "error": "unsupported_grant_type", "error_description": other });
                return Err(Refusal { status: 400, body });
            }
        };
        Ok((200, self.pair(class, now)))
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
        let class = if self.locations.contains_key(text("locationId")) {
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
                    "isInstalled": true,
                    "versionId": VERSION_ID,
                })
            })
            .collect();
        let count = locations.len();
        Ok((200, json!({ "locations": locations, "count": count, "installToFutureLocations": false })))
    }
}
