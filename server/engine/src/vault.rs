//! Envelope encryption of credentials.
//!
//! Each connection has a random data key, sealed with the installation's key; each credential is sealed with the data
//! key of its connection. What a value belongs to (workspace, connection, field, key version) is authenticated with it,
//! so that a sealed value copied to another row does not open there. Nothing here can be printed.

use crate::{Engine, EngineError, Entropy, Result, store};
use chacha20poly1305::{
    Key, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use domain::{ConnectionId, WorkspaceId};
use secrecy::{
    ExposeSecret as _, SecretBox, SecretString,
    zeroize::{Zeroize as _, Zeroizing},
};
use sha2::{Digest as _, Sha256};

/// The version every new value is sealed under. A rotation of the installation's key adds the next one.
pub(crate) const KEY_VERSION: i32 = 1;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Stands where a credential has the name of its field.
const DATA_KEY_FIELD: &str = "data-key";

/// Holds the installation's key.
pub struct Vault {
    key: SecretBox<[u8; KEY_BYTES]>,
    fingerprint: String,
}

/// A data key as the database keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    pub bytes: Vec<u8>,
    pub nonce: Vec<u8>,
    pub version: i32,
}

/// A credential as the database keeps it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub bytes: Vec<u8>,
    pub nonce: Vec<u8>,
}

/// What a sealed value belongs to. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Belonging<'a> {
    pub workspace_id: WorkspaceId,
    pub connection_id: ConnectionId,
    /// The credential's field, such as `api_key`.
    pub field: &'a str,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.fingerprint)
    }
}

impl std::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedKey(version {})", self.version)
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed")
    }
}

impl Vault {
    /// Takes the installation's key; the caller's copy is the caller's to wipe.
    #[must_use]
    pub fn new(mut key: [u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new().chain_update(b"concord installation key fingerprint").chain_update(key).finalize();
        // Half the digest tells keys apart and is short enough to be compared by eye.
        let fingerprint = hex::encode(digest).chars().take(32).collect();
        let vault = Self { key: SecretBox::new(Box::new(key)), fingerprint };
        key.zeroize();
        vault
    }

    /// Tells one key from another and gives nothing of it away.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A fresh data key for a connection, sealed.
    ///
    /// # Errors
    /// [`EngineError::Bug`] when the cipher refuses, which it does for no input of this size.
    pub(crate) fn new_data_key(
        &self,
        entropy: &Entropy,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<SealedKey> {
        let data_key = Zeroizing::new(entropy.bytes::<KEY_BYTES>());
        let belonging = Belonging { workspace_id, connection_id, field: DATA_KEY_FIELD };
        let Sealed { bytes, nonce } =
            encrypt(self.key.expose_secret(), &belonging.context(KEY_VERSION), data_key.as_slice(), entropy)?;
        Ok(SealedKey { bytes, nonce, version: KEY_VERSION })
    }

    /// Seals a credential under its connection's data key.
    ///
    /// # Errors
    /// [`EngineError::Sealed`] when the data key does not open.
    pub(crate) fn seal(
        &self,
        data_key: &SealedKey,
        belonging: Belonging<'_>,
        secret: &SecretString,
        entropy: &Entropy,
    ) -> Result<Sealed> {
        let key = self.data_key(data_key, belonging)?;
        encrypt(&key, &belonging.context(data_key.version), secret.expose_secret().as_bytes(), entropy)
    }

    /// Opens a credential.
    ///
    /// # Errors
    /// [`EngineError::Sealed`] when the installation's key is another one, or the row was changed or copied from elsewhere.
    pub(crate) fn open(&self, data_key: &SealedKey, belonging: Belonging<'_>, sealed: &Sealed) -> Result<SecretString> {
        let key = self.data_key(data_key, belonging)?;
        let plain = decrypt(&key, &belonging.context(data_key.version), sealed)
            .ok_or(EngineError::Sealed("the credential was changed, or belongs to another connection or field"))?;
        let text =
            std::str::from_utf8(&plain).map_err(|_not_text| EngineError::Bug("a sealed credential is no text"))?;
        Ok(SecretString::from(text))
    }

    /// The same data key, sealed with another installation key: what it seals stays as it is.
    ///
    /// # Errors
    /// [`EngineError::Sealed`] when the data key does not open.
    pub(crate) fn rewrapped(
        &self,
        new: &Self,
        sealed: &SealedKey,
        of: Belonging<'_>,
        entropy: &Entropy,
    ) -> Result<SealedKey> {
        let data_key = self.data_key(sealed, of)?;
        let context = Belonging { field: DATA_KEY_FIELD, ..of }.context(sealed.version);
        let Sealed { bytes, nonce } = encrypt(new.key.expose_secret(), &context, data_key.as_slice(), entropy)?;
        Ok(SealedKey { bytes, nonce, version: sealed.version })
    }

    fn data_key(&self, sealed: &SealedKey, of: Belonging<'_>) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
        let belonging = Belonging { field: DATA_KEY_FIELD, ..of };
        let envelope = Sealed { bytes: sealed.bytes.clone(), nonce: sealed.nonce.clone() };
        let plain = decrypt(self.key.expose_secret(), &belonging.context(sealed.version), &envelope).ok_or(
            EngineError::Sealed(
                "the secret key is not the one this connection was sealed with, or its row was changed",
            ),
        )?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if plain.len() != KEY_BYTES {
            return Err(EngineError::Bug("a data key has another length"));
        }
        key.copy_from_slice(&plain);
        Ok(key)
    }
}

impl Belonging<'_> {
    /// What is authenticated beside the value. Every part has a fixed place, and the only one of variable length comes last.
    fn context(&self, version: i32) -> Vec<u8> {
        let mut context = Vec::with_capacity(80);
        context.extend_from_slice(b"concord/sealed/1");
        context.extend_from_slice(self.workspace_id.0.as_bytes());
        context.extend_from_slice(self.connection_id.0.as_bytes());
        context.extend_from_slice(&version.to_be_bytes());
        context.extend_from_slice(self.field.as_bytes());
        context
    }
}

fn encrypt(key: &[u8; KEY_BYTES], context: &[u8], plain: &[u8], entropy: &Entropy) -> Result<Sealed> {
    let nonce = entropy.bytes::<NONCE_BYTES>();
    let bytes = XChaCha20Poly1305::new(Key::from_slice(key))
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: context })
        .map_err(|_opaque| EngineError::Bug("sealing failed"))?;
    Ok(Sealed { bytes, nonce: nonce.to_vec() })
}

fn decrypt(key: &[u8; KEY_BYTES], context: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    // A nonce of another length would panic inside the cipher.
    if sealed.nonce.len() != NONCE_BYTES {
        return None;
    }
    XChaCha20Poly1305::new(Key::from_slice(key))
        .decrypt(XNonce::from_slice(&sealed.nonce), Payload { msg: &sealed.bytes, aad: context })
        .ok()
        .map(Zeroizing::new)
}

impl Engine {
    /// Makes sure that this database was sealed with the key at hand; the first start leaves the key's fingerprint.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with what to do when the key is another one; database errors.
    pub async fn check_key(&self) -> Result<()> {
        let mut conn = self.pool().acquire().await?;
        let given = self.vault().fingerprint();
        let expected = store::workspaces::key_fingerprint(&mut conn, KEY_VERSION, given).await?;
        if expected == given {
            return Ok(());
        }
        Err(EngineError::Invalid(vec![
            format!(
                "secret key: this database was sealed with the key of fingerprint {expected}, but the one given has {given}"
            ),
            "to go on: give the first key again, in CONCORD_SECRET_KEY, in the file CONCORD_SECRET_KEY_FILE names, or \
             as the key file in the data folder"
                .to_owned(),
            "if that key is lost, the stored credentials are lost with it: start with an empty database, run \
             `concord apply` with your configuration file, and the credentials are read anew"
                .to_owned(),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> (Vault, Entropy, Belonging<'static>, SealedKey) {
        let vault = Vault::new([7; 32]);
        let entropy = Entropy::from_seed(1);
        let belonging = Belonging {
            workspace_id: WorkspaceId(entropy.uuid()),
            connection_id: ConnectionId(entropy.uuid()),
            field: "api_key",
        };
        let key = vault.new_data_key(&entropy, belonging.workspace_id, belonging.connection_id).unwrap();
        (vault, entropy, belonging, key)
    }

    #[test]
    fn what_was_sealed_opens_again() {
        let (vault, entropy, belonging, key) = setting();
        let sealed = vault.seal(&key, belonging, &SecretString::from("chjs-secret-é"), &entropy).unwrap();
        assert_eq!(vault.open(&key, belonging, &sealed).unwrap().expose_secret(), "chjs-secret-é");
        assert!(!sealed.bytes.windows(4).any(|part| part == b"chjs"));
    }

    #[test]
    fn a_sealed_value_opens_only_where_it_belongs() {
        let (vault, entropy, belonging, key) = setting();
        let sealed = vault.seal(&key, belonging, &SecretString::from("secret"), &entropy).unwrap();
        let elsewhere = [
            Belonging { field: "shared_key", ..belonging },
            Belonging { connection_id: ConnectionId(entropy.uuid()), ..belonging },
            Belonging { workspace_id: WorkspaceId(entropy.uuid()), ..belonging },
        ];
        for place in elsewhere {
            assert!(matches!(vault.open(&key, place, &sealed), Err(EngineError::Sealed(_))), "{place:?}");
        }
        let later = SealedKey { version: 2, ..key };
        assert!(matches!(vault.open(&later, belonging, &sealed), Err(EngineError::Sealed(_))));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let (vault, entropy, belonging, key) = setting();
        let sealed = vault.seal(&key, belonging, &SecretString::from("secret"), &entropy).unwrap();
        let mut changed = sealed.clone();
        changed.bytes[0] ^= 1;
        assert!(matches!(vault.open(&key, belonging, &changed), Err(EngineError::Sealed(_))));
        let short = Sealed { nonce: vec![1, 2, 3], ..sealed };
        assert!(matches!(vault.open(&key, belonging, &short), Err(EngineError::Sealed(_))));
    }

    #[test]
    fn another_installation_key_is_refused_and_says_so() {
        let (vault, entropy, belonging, key) = setting();
        let sealed = vault.seal(&key, belonging, &SecretString::from("secret"), &entropy).unwrap();
        let other = Vault::new([8; 32]);
        assert_ne!(other.fingerprint(), vault.fingerprint());
        let error = other.open(&key, belonging, &sealed).unwrap_err();
        assert!(error.to_string().contains("secret key is not the one"), "{error}");
    }

    #[test]
    fn a_rewrapped_data_key_opens_the_same_credentials_under_the_new_key_only() {
        let (vault, entropy, belonging, key) = setting();
        let sealed = vault.seal(&key, belonging, &SecretString::from("secret"), &entropy).unwrap();
        let new = Vault::new([8; 32]);
        let rewrapped = vault.rewrapped(&new, &key, belonging, &entropy).unwrap();
        assert_eq!(new.open(&rewrapped, belonging, &sealed).unwrap().expose_secret(), "secret");
        assert!(vault.open(&rewrapped, belonging, &sealed).is_err());
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        let (vault, entropy, belonging, key) = setting();
        let secret = SecretString::from("secret");
        let (one, two) = (
            vault.seal(&key, belonging, &secret, &entropy).unwrap(),
            vault.seal(&key, belonging, &secret, &entropy).unwrap(),
        );
        assert!(one != two);
    }

    #[test]
    fn nothing_of_the_vault_can_be_printed() {
        let (vault, entropy, belonging, key) = setting();
        let sealed = vault.seal(&key, belonging, &SecretString::from("secret"), &entropy).unwrap();
        assert_eq!(format!("{key:?} {sealed:?}"), "SealedKey(version 1) Sealed");
        assert_eq!(format!("{vault:?}"), format!("Vault({})", vault.fingerprint()));
    }
}
