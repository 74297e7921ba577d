//! JSON Web Tokens as an identity provider would sign them, or as whoever would like to be one: any header, any claims, any of the algorithms below.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};

/// A key that signs.
pub struct SigningKey {
    id: &'static str,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Secret(Vec<u8>),
}

impl SigningKey {
    /// RS256: always the same key, because making one takes long.
    pub fn rsa(id: &'static str) -> Self {
        Self::rsa_in(id, include_str!("keys/provider.pem"))
    }

    /// RS256, of somebody else.
    pub fn rsa_of_a_stranger(id: &'static str) -> Self {
        Self::rsa_in(id, include_str!("keys/stranger.pem"))
    }

    fn rsa_in(id: &'static str, pem: &str) -> Self {
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64_STANDARD.decode(text).expect("Base64");
        SigningKey { id, key: Key::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).expect("an RSA key"))) }
    }

    /// ES256: a new key.
    pub fn ec(id: &'static str) -> Self {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("randomness");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &SystemRandom::new());
        SigningKey { id, key: Key::Ec(pair.expect("the key just made")) }
    }

    /// HS256 or HS512.
    pub fn secret(id: &'static str, secret: &str) -> Self {
        SigningKey { id, key: Key::Secret(secret.into()) }
    }

    /// What everybody may know of it, as a JSON Web Key.
    pub fn public(&self) -> Value {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        match &self.key {
            Key::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "alg": "RS256", "kid": self.id, "n": text(&n), "e": text(&e)})
            }
            Key::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "alg": "ES256", "crv": "P-256", "kid": self.id, "x": text(x), "y": text(y)})
            }
            Key::Secret(_) => panic!("a secret is never shown"),
        }
    }

    /// The header that goes with this key, with changes.
    pub fn header(&self, changes: Value) -> Value {
        let algorithm = match self.key {
            Key::Rsa(_) => "RS256",
            Key::Ec(_) => "ES256",
            Key::Secret(_) => "HS256",
        };
        let mut header = json!({"typ": "JWT", "alg": algorithm, "kid": self.id});
        header.as_object_mut().expect("an object").extend(changes.as_object().cloned().unwrap_or_default());
        header
    }

    /// A token with that very header and those claims, signed in the way of the algorithm that the header names.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let message = format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
        let signature = match (&self.key, header["alg"].as_str()) {
            (Key::Rsa(pair), Some("RS256")) => rsa(pair, &RSA_PKCS1_SHA256, &message),
            (Key::Rsa(pair), Some("RS512")) => rsa(pair, &RSA_PKCS1_SHA512, &message),
            (Key::Rsa(pair), Some("PS256")) => rsa(pair, &RSA_PSS_SHA256, &message),
            (Key::Ec(pair), Some("ES256")) => pair.sign(&SystemRandom::new(), message.as_bytes()).expect("randomness").as_ref().to_vec(),
            (Key::Secret(secret), Some("HS256")) => hash(hmac::HMAC_SHA256, secret, &message),
            (Key::Secret(secret), Some("HS512")) => hash(hmac::HMAC_SHA512, secret, &message),
            (_, algorithm) => panic!("no key for {algorithm:?}"),
        };
        format!("{message}.{}", text(&signature))
    }

    /// `Bearer …` with these claims.
    pub fn bearer(&self, claims: &Value) -> String {
        format!("Bearer {}", self.signed(&self.header(json!({})), claims))
    }
}

fn rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("randomness");
    signature
}

fn hash(algorithm: hmac::Algorithm, secret: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes()).as_ref().to_vec()
}
