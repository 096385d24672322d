use super::*;

fn settings(allowed: &[&str]) -> Settings {
    Settings {
        public_url: "https://concord.example".to_owned(),
        allowed_base_urls: allowed.iter().map(|prefix| (*prefix).to_owned()).collect(),
    }
}

#[test]
fn a_pasted_address_yields_the_account() {
    let subdomains = [
        ("acme", "acme", None),
        (" Acme ", "acme", None),
        ("acme.chargify.com", "acme", None),
        ("https://acme-2.chargify.com/dashboard?x=1", "acme-2", None),
        ("https://acme.ebilling.maxio.com/", "acme", Some("https://acme.ebilling.maxio.com")),
    ];
    for (entered, account, host) in subdomains {
        assert_eq!(subdomain(entered), Ok((account.to_owned(), host.map(str::to_owned))), "{entered}");
    }
    for entered in ["", "app.chargify.com", "a b", "acme.example.com", "-acme", "acme_1"] {
        assert!(subdomain(entered).is_err(), "{entered}");
    }
    let id = "ve9EPM428h8vShlRW1KT";
    for entered in
        [id, " ve9EPM428h8vShlRW1KT", "https://app.gohighlevel.com/v2/location/ve9EPM428h8vShlRW1KT/dashboard"]
    {
        assert_eq!(location_id(entered).as_deref(), Ok(id), "{entered}");
    }
    for entered in ["", "short", "ve9EPM428h8vShlRW1KT/..", "https://app.gohighlevel.com/"] {
        assert!(location_id(entered).is_err(), "{entered}");
    }
}

#[test]
fn credentials_go_to_official_hosts_and_allowed_prefixes_only() {
    let allowed = settings(&["http://127.0.0.1:4101", "https://proxy.example/vendor/"]);
    let cases = [
        (Side::Highlevel, "https://services.leadconnectorhq.com", true),
        (Side::Highlevel, "http://services.leadconnectorhq.com", false),
        (Side::Highlevel, "https://services.leadconnectorhq.com.evil.example", false),
        (Side::Chargify, "https://acme.chargify.com", true),
        (Side::Chargify, "https://acme.ebilling.maxio.com", true),
        (Side::Chargify, "https://other.chargify.com", false),
        (Side::Chargify, "https://acme.chargify.com/x", false),
        (Side::Chargify, "http://127.0.0.1:4101", true),
        (Side::Chargify, "http://127.0.0.1:4101/chargify", true),
        (Side::Chargify, "http://127.0.0.1:41011", false),
        (Side::Chargify, "http://127.0.0.1:4101@evil.example", false),
        (Side::Chargify, "http://127.0.0.1:4101/?x", false),
        (Side::Chargify, "https://proxy.example/vendor", true),
        (Side::Chargify, "https://proxy.example/vendors", false),
        (Side::Chargify, "https://evil.example", false),
    ];
    for (side, url, good) in cases {
        assert_eq!(allowed_base_url(side, "acme", url, &allowed).is_ok(), good, "{url}");
    }
    assert!(allowed_base_url(Side::Chargify, "acme", "http://127.0.0.1:4101", &settings(&[""])).is_err());
}

#[test]
fn every_fault_is_told_at_once() {
    let entered = NewConnection {
        name: "My CRM".to_owned(),
        side: Side::Highlevel,
        account: "x".to_owned(),
        base_url: Some("http://evil.example".to_owned()),
        webhook_public_key: Some("no key".to_owned()),
        app: None,
        credentials: vec![(CredentialField::ApiKey, SecretString::from("a key with spaces"))],
    };
    let Err(EngineError::Invalid(faults)) = entered.checked(&settings(&[])) else { panic!("it should be refused") };
    for field in ["name:", "account:", "base_url:", "webhook_public_key:", "token:", "api_key:"] {
        assert!(faults.iter().any(|fault| fault.starts_with(field)), "{field} in {faults:?}");
    }
}

#[test]
fn the_official_address_is_stored_as_none() {
    let entered = Whereabouts {
        account: "acme.chargify.com".to_owned(),
        base_url: Some("https://acme.chargify.com/".to_owned()),
        webhook_public_key: Some("  ".to_owned()),
    };
    let stored = entered.checked(Side::Chargify, &settings(&[])).unwrap();
    assert_eq!(stored, Whereabouts { account: "acme".to_owned(), base_url: None, webhook_public_key: None });
}

#[test]
fn a_hint_never_gives_much_of_a_key_away() {
    assert_eq!(hint(&SecretString::from("0123456789abcdef")), "cdef");
    assert_eq!(hint(&SecretString::from("0123456789")), "");
}
