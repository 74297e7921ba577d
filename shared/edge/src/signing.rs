//! The key that signs agent cards: ES256, shown to everyone in the key set (spec section 8.4).

use std::{error::Error, sync::Arc};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use futures::future::BoxFuture;
use protocol::types::AgentCardSignature;
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Signs agent cards.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    key_id: String,
    key_set: String,
}

/// Brings the key at its first use, because it may have to be read from a database; again after it failed.
pub type SigningKeySource = Arc<dyn Fn() -> BoxFuture<'static, Result<Arc<SigningKey>, Box<dyn Error + Send + Sync>>> + Send + Sync>;

/// Why a key can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Not what [`SigningKey::generate_pem`] makes.
    #[error("no P-256 private key in PKCS #8 PEM form")]
    NotAKey,
    /// The crypto library refused.
    #[error("no key could be made")]
    NotMade,
}

impl SigningKey {
    /// A new private key as PEM: to be kept, so that signatures can be checked after a restart.
    pub fn generate_pem() -> Result<String, SigningKeyError> {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(|_| SigningKeyError::NotMade)?;
        let text = BASE64_STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Ok(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")))
    }

    /// The key in a PEM file.
    pub fn from_pem(pem: &str) -> Result<Self, SigningKeyError> {
        let text = pem.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or(SigningKeyError::NotAKey)?;
        let der = BASE64_STANDARD.decode(text.split_whitespace().collect::<String>()).map_err(|_| SigningKeyError::NotAKey)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new()).map_err(|_| SigningKeyError::NotAKey)?;
        // An uncompressed point: 4, then both coordinates.
        let point: &[u8] = pair.public_key().as_ref();
        let (x, y) = point.get(1..).and_then(|rest| rest.split_at_checked(32)).ok_or(SigningKeyError::NotAKey)?;
        let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
        // RFC 7638: the hash of the required members in this very order.
        let thumbprint = digest::digest(&digest::SHA256, format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes());
        let key_id = BASE64_URL_SAFE_NO_PAD.encode(thumbprint);
        let key_set = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": key_id, "use": "sig", "alg": "ES256"}]}).to_string();
        Ok(SigningKey { pair, key_id, key_set })
    }

    /// Where this very key comes from.
    pub fn known(self) -> SigningKeySource {
        let key = Arc::new(self);
        Arc::new(move || {
            let key = key.clone();
            Box::pin(async { Ok(key) })
        })
    }

    /// The public key as a JSON Web Key Set.
    pub fn key_set(&self) -> &str {
        &self.key_set
    }

    /// A signature over a canonical payload; `key_set_url` says where the key is. `None` if there is no randomness to be had.
    pub(crate) fn sign(&self, payload: &[u8], key_set_url: &str) -> Option<AgentCardSignature> {
        let header = json!({"alg": "ES256", "typ": "JOSE", "kid": self.key_id, "jku": key_set_url}).to_string();
        let protected = BASE64_URL_SAFE_NO_PAD.encode(header);
        let message = format!("{protected}.{}", BASE64_URL_SAFE_NO_PAD.encode(payload));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).ok()?;
        Some(AgentCardSignature { protected, signature: BASE64_URL_SAFE_NO_PAD.encode(signature), header: None })
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_signature_holds_with_the_key_in_the_key_set() {
        let key = SigningKey::from_pem(&SigningKey::generate_pem().unwrap()).unwrap();
        let signature = key.sign(b"{}", "http://localhost/.well-known/jwks.json").unwrap();

        let keys: Value = serde_json::from_str(key.key_set()).unwrap();
        let coordinate = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let message = format!("{}.{}", signature.protected, BASE64_URL_SAFE_NO_PAD.encode("{}"));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&signature.signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &bytes).unwrap();

        let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(&signature.protected).unwrap()).unwrap();
        assert_eq!(header["kid"], keys["keys"][0]["kid"]);
        assert_eq!(header["alg"], "ES256");
    }

    #[test]
    fn a_kept_key_is_the_same_key() {
        let pem = SigningKey::generate_pem().unwrap();
        assert_eq!(SigningKey::from_pem(&pem).unwrap().key_set(), SigningKey::from_pem(&pem).unwrap().key_set());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for pem in ["", "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            assert_eq!(SigningKey::from_pem(pem).err(), Some(SigningKeyError::NotAKey));
        }
    }
}
