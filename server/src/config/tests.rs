use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::ExposeSecret as _;

use super::{Config, CredentialError, Database, Environment};

/// A data folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("concord-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn environment(&self, values: &[(&'static str, &str)]) -> Environment {
        let start = Environment::new(|_| None).with("CONCORD_DATA_DIR", self.0.to_string_lossy());
        values.iter().fold(start, |environment, (name, value)| environment.with(name, *value))
    }

    fn read(&self, values: &[(&'static str, &str)]) -> Result<Config, super::Faults> {
        Config::read(&self.environment(values))
    }

    /// The message for one bad value, which must be the only fault.
    fn fault(&self, name: &'static str, value: &str) -> String {
        let faults = self.read(&[(name, value)]).expect_err("should be refused").0;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].name, name);
        faults[0].text.clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn an_empty_environment_gives_the_documented_defaults() {
    let folder = Folder::new();
    let config = folder.read(&[]).unwrap();
    assert!(matches!(config.database, Database::Private));
    assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.public_url(config.listen), "http://127.0.0.1:3000");
    assert_eq!(config.log_filter, "info");
    assert!(config.allow_base_urls.is_empty());
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn the_secret_key_is_made_once_and_closed_to_others() {
    let folder = Folder::new();
    let first = folder.read(&[]).unwrap();
    let second = folder.read(&[]).unwrap();
    assert_eq!(first.secret_key.expose_secret(), second.secret_key.expose_secret());
    let file = first.data_dir.join("secret.key");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&first.data_dir).unwrap().count(), 1, "no draft is left");
}

#[test]
fn a_given_key_is_used_and_never_printed() {
    let folder = Folder::new();
    let config = folder.read(&[("CONCORD_SECRET_KEY", KEY)]).unwrap();
    assert_eq!(config.secret_key.expose_secret()[31], 31);
    let shown = format!("{config:?}");
    assert!(!shown.contains("29, 30, 31") && !shown.contains(KEY), "{shown}");
    assert!(!config.data_dir.join("secret.key").exists());
}

#[test]
fn a_key_file_open_to_others_is_warned_about() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("key");
    std::fs::write(&path, KEY).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let config = folder.read(&[("CONCORD_SECRET_KEY_FILE", &path.to_string_lossy())]).unwrap();
    assert!(config.warnings[0].contains("chmod 600"), "{:?}", config.warnings);
}

#[test]
fn a_bad_key_is_refused_without_being_repeated() {
    let folder = Folder::new();
    for bad in ["c2hvcnQ=", "not base64 at all, really", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        let message = folder.fault("CONCORD_SECRET_KEY", bad);
        assert!(message.contains("openssl rand -base64 32"), "{message}");
        assert!(!message.contains(bad), "{message}");
    }
    assert!(folder.fault("CONCORD_SECRET_KEY_FILE", "/nonexistent/key").contains("cannot read /nonexistent/key"));
}

#[test]
fn bad_addresses_are_refused_with_an_example() {
    let folder = Folder::new();
    assert!(folder.fault("CONCORD_LISTEN", "3000").contains("127.0.0.1:3000"));
    assert!(folder.fault("CONCORD_PUBLIC_URL", "concord.example.com").contains("https://concord.example.com"));
    assert!(folder.fault("CONCORD_PUBLIC_URL", "https://example.com/concord").contains("has a path"));
    assert!(folder.fault("CONCORD_PUBLIC_URL", "https://me:pw@example.com").contains("no http or https address"));
    assert!(folder.fault("CONCORD_ALLOW_BASE_URLS", "http://a.example, ftp://b").contains("`ftp://b`"));
    assert!(folder.fault("CONCORD_SITE_ROOT", "/nonexistent").contains("cargo xtask site"));
}

#[test]
fn a_bad_database_address_is_refused_without_its_password() {
    let folder = Folder::new();
    let message = folder.fault("CONCORD_DATABASE_URL", "mysql://me:hunter2@host/db");
    assert!(message.contains("postgres://") && !message.contains("hunter2"), "{message}");
}

#[test]
fn all_faults_are_reported_together() {
    let folder = Folder::new();
    let faults = folder.read(&[("CONCORD_LISTEN", "x"), ("CONCORD_PUBLIC_URL", "y"), ("CONCORD_SECRET_KEY", "z")]);
    let faults = faults.expect_err("three faults");
    assert_eq!(faults.0.len(), 3);
    assert_eq!(faults.to_string().lines().count(), 4);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_a_fault() {
    let folder = Folder::new();
    let faults = folder.read(&[("CONCORD_DATA_DIR", "/proc/nowhere/data")]).expect_err("cannot be made");
    assert_eq!(faults.0[0].name, "CONCORD_DATA_DIR");
}

#[test]
fn blank_values_count_as_absent_and_slashes_at_the_end_go() {
    let folder = Folder::new();
    let config = folder
        .read(&[
            ("CONCORD_LISTEN", "  "),
            ("CONCORD_PUBLIC_URL", "https://concord.example.com/"),
            ("CONCORD_ALLOW_BASE_URLS", "http://127.0.0.1:4101/, ,http://127.0.0.1:4102"),
        ])
        .unwrap();
    assert_eq!(config.listen.port(), 3000);
    assert_eq!(config.public_url(config.listen), "https://concord.example.com");
    assert_eq!(config.allow_base_urls, ["http://127.0.0.1:4101", "http://127.0.0.1:4102"]);
}

#[test]
fn risky_settings_work_and_are_warned_about() {
    let cases: [(&[(&'static str, &str)], &str); 5] = [
        (&[("CONCORD_LISTEN", "0.0.0.0:3000")], "without CONCORD_PUBLIC_URL"),
        (&[("CONCORD_PUBLIC_URL", "http://concord.example.com")], "unencrypted"),
        (&[("CONCORD_ALLOW_BASE_URLS", "http://10.0.0.7:4101")], "unencrypted"),
        (&[("CONCORD_DATABASE_URL", "postgres://u:p@db.example.com/concord"), ("CONCORD_SECRET_KEY", KEY)], "sslmode"),
        (&[("CONCORD_DATABASE_URL", "postgres://u@localhost/concord")], "every node needs the same one"),
    ];
    for (values, expected) in cases {
        let folder = Folder::new();
        let warnings = folder.read(values).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(expected), "{values:?}: {warnings:?}");
    }
}

#[test]
fn quiet_settings_are_not_warned_about() {
    let folder = Folder::new();
    let config = folder
        .read(&[
            ("CONCORD_LISTEN", "0.0.0.0:3000"),
            ("CONCORD_PUBLIC_URL", "https://concord.example.com"),
            ("CONCORD_DATABASE_URL", "postgres://u:p@db.example.com/concord?sslmode=verify-full"),
            ("CONCORD_SECRET_KEY", KEY),
            ("CONCORD_ALLOW_BASE_URLS", "http://127.0.0.1:4101,http://[::1]:4102,http://localhost:4103"),
        ])
        .unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert!(!format!("{config:?}").contains("u:p"));
}

#[test]
fn apply_gets_the_credentials_it_names_but_none_of_ours() {
    let environment = Environment::new(|name| (name == "GHL_TOKEN").then(|| "pit-1".to_owned()));
    assert_eq!(environment.credential("GHL_TOKEN").unwrap().expose_secret(), "pit-1");
    let absent = environment.credential("OTHER").map(|_| ());
    assert_eq!(absent, Err(CredentialError::Absent("OTHER".into())));
    let ours = environment.with("CONCORD_SECRET_KEY", KEY).credential("CONCORD_SECRET_KEY").map(|_| ());
    assert_eq!(ours, Err(CredentialError::Reserved("CONCORD_SECRET_KEY".into())));
}
