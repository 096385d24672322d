//! The installation's secret key: given, in a file, or made once in the data folder.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::TryRngCore as _;
use secrecy::SecretBox;

use super::{Environment, Fault};

const VALUE: &str = "CONCORD_SECRET_KEY";
const FILE: &str = "CONCORD_SECRET_KEY_FILE";
const NEXT: &str = "CONCORD_SECRET_KEY_NEXT";
const HOW: &str = "make one with `openssl rand -base64 32`";

/// Whether nothing is configured, so that the key is the one in the data folder.
pub(super) fn is_made_by_us(environment: &Environment) -> bool {
    environment.get(VALUE).is_none() && environment.get(FILE).is_none()
}

pub(super) fn read(
    environment: &Environment,
    data_dir: &Path,
    warnings: &mut Vec<String>,
) -> Result<SecretBox<[u8; 32]>, Fault> {
    match (environment.get(VALUE), environment.get(FILE)) {
        (Some(_), Some(_)) => {
            Err(Fault { name: VALUE, text: format!("both {VALUE} and {FILE} are set; keep one of them") })
        }
        (Some(value), None) => decode(&value).map_err(|text| Fault { name: VALUE, text }),
        (None, Some(path)) => from_file(Path::new(&path), warnings).map_err(|text| Fault { name: FILE, text }),
        (None, None) => {
            let path = data_dir.join("secret.key");
            make_if_absent(&path)
                .map_err(|error| format!("cannot make {}: {error}; set {VALUE} instead; {HOW}", path.display()))
                .and_then(|()| from_file(&path, warnings))
                .map_err(|text| Fault { name: VALUE, text })
        }
    }
}

/// The key of `concord keys rotate`.
pub(super) fn next(environment: &Environment) -> Result<SecretBox<[u8; 32]>, Fault> {
    let absent = || Fault { name: NEXT, text: format!("is not set: it names the key to change to; {HOW}") };
    let value = environment.get(NEXT).ok_or_else(absent)?;
    decode(&value).map_err(|text| Fault { name: NEXT, text })
}

/// The value never appears in the message.
fn decode(text: &str) -> Result<SecretBox<[u8; 32]>, String> {
    let wrong = || format!("must be 32 bytes in base64 (44 characters); {HOW}");
    let bytes = STANDARD.decode(text.trim()).map_err(|_secret| wrong())?;
    let key: [u8; 32] = bytes.try_into().map_err(|_secret| wrong())?;
    if key.iter().all(|byte| *byte == 0) {
        return Err(format!("is all zeros; {HOW}"));
    }
    Ok(SecretBox::new(Box::new(key)))
}

fn from_file(path: &Path, warnings: &mut Vec<String>) -> Result<SecretBox<[u8; 32]>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}; name a readable file, or {HOW}", path.display()))?;
    if std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
        warnings.push(format!("others may read the secret key; run `chmod 600 {}`", path.display()));
    }
    decode(&text).map_err(|text| format!("the key in {} {text}", path.display()))
}

/// Written under another name and linked into place: a crash leaves no half a key, and of two processes that start
/// together the first one's key counts for both.
fn make_if_absent(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut key = [0_u8; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut key).map_err(std::io::Error::other)?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()?;
    let linked = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    std::fs::remove_file(&draft)?;
    linked
}
