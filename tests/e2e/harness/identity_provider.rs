//! An identity provider on this machine: real keys, shown as a key set over HTTP, and tokens signed with them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{Router, routing::get};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

/// A key that signs.
pub struct SigningKey {
    pub id: &'static str,
    pub algorithm: Algorithm,
    key: EncodingKey,
}

impl SigningKey {
    /// RS256.
    pub fn rsa(id: &'static str) -> SigningKey {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let key = EncodingKey::from_rsa_pem(pem(pair.as_der().unwrap().as_ref()).as_bytes()).unwrap();
        SigningKey { id, algorithm: Algorithm::RS256, key }
    }

    /// ES256.
    pub fn ec(id: &'static str) -> SigningKey {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_pem(pem(pair.to_pkcs8v1().unwrap().as_ref()).as_bytes()).unwrap();
        SigningKey { id, algorithm: Algorithm::ES256, key }
    }

    /// What everybody may know of it.
    pub fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    /// `Bearer …` with these claims.
    pub fn bearer(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        format!("Bearer {}", jsonwebtoken::encode(&header, claims, &self.key).unwrap())
    }
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

/// Shows keys until it is dropped.
pub struct IdentityProvider {
    pub url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    serving: tokio::task::JoinHandle<()>,
}

impl IdentityProvider {
    pub async fn showing(keys: &[&SigningKey]) -> IdentityProvider {
        let shown = Arc::new(Mutex::new(keys.iter().map(|key| key.public()).collect::<Vec<_>>()));
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (set, count) = (shown.clone(), asked.clone());
        let show = async move || {
            count.fetch_add(1, Ordering::SeqCst);
            json!({"keys": *set.lock().unwrap()}).to_string()
        };
        let router = Router::new().route("/keys", get(show));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        IdentityProvider { url, keys: shown, asked, serving }
    }

    /// Other keys from now on.
    pub fn show(&self, keys: &[&SigningKey]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
