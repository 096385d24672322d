//! Who may call, and how often.

use http::Method;
use sandbox::{
    highlevel::oauth::{CLIENT_ID, CLIENT_SECRET},
    options::Options,
    request::{Reply, Request, encode},
};
use serde_json::{Value, json};

use super::Agency;

fn refusal(reply: &Reply) -> (u16, String) {
    (reply.status, reply.value()["message"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn each_kind_of_no_has_its_own_words() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    let path = format!("/contacts/{id}");
    let bearer = format!("Bearer {}", agency.token);

    let bare = Request::new(Method::GET, &path).with_header("authorization", bearer.clone());
    assert_eq!(refusal(&agency.send_bare(bare)), (401, "version header was not found.".to_owned()));
    let odd =
        Request::new(Method::GET, &path).with_header("authorization", bearer).with_header("version", "1999-01-01");
    assert_eq!(refusal(&agency.send_bare(odd)), (401, "version header is invalid".to_owned()));

    agency.token = "pit-00000000-0000-4000-8000-000000000000".to_owned();
    assert_eq!(refusal(&agency.get(&path)), (401, "Invalid Private Integration token".to_owned()));
    agency.token = "eyJ".to_owned();
    assert_eq!(refusal(&agency.get(&path)), (401, "Invalid token: access token is invalid".to_owned()));

    let narrow = agency.control("tokens", &json!({ "scopes": ["contacts.readonly"] }));
    agency.token = narrow["token"].as_str().unwrap().to_owned();
    assert_eq!(agency.get(&path).status, 200);
    let refused = agency.put(&path, &json!({ "firstName": "Eve" }));
    assert_eq!(refusal(&refused), (401, "The token is not authorized for this scope.".to_owned()));

    let company = agency.control("tokens", &json!({ "company": true }));
    agency.token = company["token"].as_str().unwrap().to_owned();
    assert!(refusal(&agency.get(&path)).1.starts_with("This authClass type is not allowed"));
}

#[test]
fn a_token_opens_its_own_location_only() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    let home = agency.location_id();
    let other = agency.control("locations", &json!({ "name": "Elsewhere" }));
    agency.token = other["token"].as_str().unwrap().to_owned();
    let message = (403, "The token does not have access to this location.".to_owned());
    assert_eq!(refusal(&agency.get(&format!("/contacts/{id}"))), message);
    assert_eq!(refusal(&agency.get(&format!("/locations/{home}"))), message);
    assert_eq!(refusal(&agency.post("/contacts/", &json!({ "locationId": home, "firstName": "Eve" }))), message);
}

#[test]
fn the_burst_limit_counts_down_in_the_headers_and_ends_in_429() {
    let mut agency =
        Agency::with(&Options { contacts: 0, rate: (3, std::time::Duration::from_secs(10)), ..Options::default() });
    let target = format!("/locations/{}", agency.location_id());
    for left in ["2", "1", "0"] {
        let reply = agency.get(&target);
        assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (200, Some(left)));
        assert_eq!(reply.header("x-ratelimit-max"), Some("3"));
        assert_eq!(reply.header("x-ratelimit-interval-milliseconds"), Some("10000"));
        assert_eq!(reply.header("x-ratelimit-limit-daily"), Some("200000"));
    }
    let refused = agency.get(&target);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-daily-remaining"), Some("199997"), "a refused call costs nothing");
    agency.wait(10);
    assert_eq!(agency.get(&target).status, 200);
}

#[test]
fn the_daily_limit_lasts_until_midnight() {
    let mut agency = Agency::empty();
    let target = format!("/locations/{}", agency.location_id());
    agency.control("limits", &json!({ "daily": 1 }));
    assert_eq!(agency.get(&target).status, 200);
    let refused = agency.get(&target);
    assert_eq!((refused.status, refused.header("x-ratelimit-daily-remaining")), (429, Some("0")));
    agency.wait(24 * 3_600);
    assert_eq!(agency.get(&target).status, 200);
}

fn form(agency: &mut Agency, path: &str, pairs: &[(&str, &str)]) -> Reply {
    let body: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    let mut request = Request::new(Method::POST, path)
        .with_header("content-type", "application/x-www-form-urlencoded")
        .with_header("version", "2021-07-28")
        .with_header("authorization", format!("Bearer {}", agency.token));
    request.body = body.join("&").into_bytes();
    agency.send_bare(request)
}

fn grant(agency: &mut Agency, kind: &str, key: &str, secret: &str) -> Reply {
    let pairs = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET), ("grant_type", kind), (key, secret)];
    form(agency, "/oauth/token", &pairs)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}")).to_owned()
}

#[test]
fn refreshing_rotates_and_the_old_pair_is_worth_nothing() {
    let mut agency = Agency::empty();
    let code = text(&agency.control("oauth-code", &json!({})), "code");
    let first = grant(&mut agency, "authorization_code", "code", &code).value();
    assert_eq!(first["expires_in"], 86_399);
    assert_eq!(grant(&mut agency, "authorization_code", "code", &code).status, 401, "a code works once");

    let old = text(&first, "refresh_token");
    let second = grant(&mut agency, "refresh_token", "refresh_token", &old).value();
    assert_eq!(grant(&mut agency, "refresh_token", "refresh_token", &old).status, 400);

    agency.token = text(&second, "access_token");
    let target = format!("/locations/{}", agency.location_id());
    assert_eq!(agency.get(&target).status, 200);
    agency.wait(86_399);
    assert_eq!(agency.get(&target).status, 401);
}

#[test]
fn an_agency_mints_a_token_for_a_location() {
    let mut agency = Agency::empty();
    let location_id = agency.location_id();
    let company_id = agency.rules.company_id.clone();
    let code = text(&agency.control("oauth-code", &json!({ "company": true })), "code");
    let company = grant(&mut agency, "authorization_code", "code", &code).value();
    assert_eq!(company["userType"], "Company");
    agency.token = text(&company, "access_token");
    let pairs = [("companyId", company_id.as_str()), ("locationId", location_id.as_str())];
    let minted = form(&mut agency, "/oauth/locationToken", &pairs);
    assert_eq!(minted.status, 201);
    agency.token = text(&minted.value(), "access_token");
    assert_eq!(agency.get(&format!("/locations/{location_id}")).status, 200);
}

fn asking(agency: &mut Agency, choice: &str) -> Reply {
    let back = encode("https://concord.example/oauth/callback");
    let target =
        format!("/oauth/chooselocation?response_type=code&client_id={CLIENT_ID}&redirect_uri={back}&state=s1{choice}");
    agency.send_bare(Request::new(Method::GET, &target))
}

#[test]
fn a_person_chooses_where_the_app_is_installed_or_declines() {
    let mut agency = Agency::empty();
    let page = asking(&mut agency, "");
    let html = String::from_utf8(page.body).unwrap();
    assert!(page.status == 200 && html.contains("Concord Demo") && html.contains("choose=decline"), "{html}");
    let location_id = agency.location_id();
    let chosen = asking(&mut agency, &format!("&location_id={location_id}"));
    let back = chosen.header("location").unwrap();
    assert!(back.starts_with("https://concord.example/oauth/callback?code=") && back.ends_with("&state=s1"), "{back}");
    let declined = asking(&mut agency, "&choose=decline");
    assert!(declined.header("location").unwrap().contains("?error=access_denied&"));
    let strange = Request::new(Method::GET, "/oauth/chooselocation?response_type=code&client_id=x&redirect_uri=y");
    assert_eq!(agency.send_bare(strange).status, 400);
}

fn reconnected(agency: &mut Agency) -> Reply {
    let location_id = agency.location_id();
    let body = json!({ "clientKey": CLIENT_ID, "clientSecret": CLIENT_SECRET, "locationId": location_id });
    agency.send_bare(Request::new(Method::POST, "/oauth/reconnect").with_json(&body))
}

#[test]
fn lost_tokens_are_given_again_until_the_app_is_uninstalled() {
    let mut agency = Agency::empty();
    assert_eq!(reconnected(&mut agency).status, 400, "it was never installed");
    let code = text(&agency.control("oauth-code", &json!({})), "code");
    let first = grant(&mut agency, "authorization_code", "code", &code).value();
    let code = text(&reconnected(&mut agency).value(), "authorizationCode");
    let second = grant(&mut agency, "authorization_code", "code", &code).value();
    agency.token = text(&second, "access_token");
    let target = format!("/locations/{}", agency.location_id());
    assert_eq!(agency.get(&target).status, 200);

    agency.control("uninstall", &json!({}));
    assert_eq!(agency.get(&target).status, 401);
    assert_eq!(reconnected(&mut agency).status, 400);
    for pair in [first, second] {
        let token = text(&pair, "refresh_token");
        assert_eq!(grant(&mut agency, "refresh_token", "refresh_token", &token).status, 400);
    }
}
