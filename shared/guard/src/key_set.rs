//! The public keys of an identity provider: fetched when one is first needed, kept for a while, fetched again for a key that isn't among them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use parking_lot::RwLock;
use serde::Deserialize;
use tokio::sync::Mutex;

/// Keys are fetched again after so long.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);
/// Keys that can't be fetched again are used for so long.
const USABLE_FOR: TimeDelta = TimeDelta::hours(1);
/// The most fetches of one process within [`FETCH_WINDOW`], whatever key ids tokens name.
pub(crate) const MAX_FETCHES: usize = 6;
/// See [`MAX_FETCHES`].
const FETCH_WINDOW: TimeDelta = TimeDelta::minutes(1);
/// Keys of a set beyond these are not looked at.
const MAX_KEYS: usize = 100;

/// Where the keys are: a JSON Web Key Set (RFC 7517) somewhere else.
#[async_trait]
pub trait KeySetSource: Send + Sync + 'static {
    /// The set as it is now, as text. Takes seconds at most, and the text is bounded.
    ///
    /// # Errors
    /// Why there is none, for the log.
    async fn fetch(&self) -> Result<String, String>;
}

/// A key, and the one algorithm that it checks.
pub(crate) struct ProviderKey {
    id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) checks: DecodingKey,
}

/// The provider doesn't answer, and what it last said is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the identity provider is away")]
pub(crate) struct Away;

struct Fetched {
    keys: Vec<Arc<ProviderKey>>,
    at: DateTime<Utc>,
}

impl Fetched {
    /// The key that a token names. A token that names none is for the only key of its algorithm.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<ProviderKey>> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }
}

/// The keys of one provider.
pub(crate) struct KeySet {
    source: Arc<dyn KeySetSource>,
    fetched: RwLock<Option<Arc<Fetched>>>,
    /// When keys were last fetched. Who holds it fetches.
    fetches: Mutex<Vec<DateTime<Utc>>>,
}

impl KeySet {
    pub(crate) fn new(source: Arc<dyn KeySetSource>) -> Self {
        KeySet { source, fetched: RwLock::default(), fetches: Mutex::default() }
    }

    /// The key of that id for that algorithm; `None` where the provider has none.
    pub(crate) async fn key(&self, id: Option<&str>, algorithm: Algorithm, now: DateTime<Utc>) -> Result<Option<Arc<ProviderKey>>, Away> {
        let before = self.fetched.read().clone();
        let known =
            before.as_ref().filter(|fetched| now - fetched.at < USABLE_FOR).and_then(|fetched| Some((fetched.find(id, algorithm)?, fetched.at)));
        let mut fetches = match known {
            Some((key, at)) if now - at < FRESH_FOR => return Ok(Some(key)),
            Some((key, _)) => match self.fetches.try_lock() {
                Ok(fetches) => fetches,
                // Somebody is at it.
                Err(_) => return Ok(Some(key)),
            },
            None => self.fetches.lock().await,
        };
        let fetched_meanwhile = self.fetched.read().as_ref().map(Arc::as_ptr) != before.as_ref().map(Arc::as_ptr);
        fetches.retain(|at| now - *at < FETCH_WINDOW);
        if !fetched_meanwhile && fetches.len() < MAX_FETCHES {
            fetches.push(now);
            match self.source.fetch().await.and_then(|text| read(&text)) {
                Ok(keys) => *self.fetched.write() = Some(Arc::new(Fetched { keys, at: now })),
                Err(reason) => tracing::warn!(reason, "the identity provider's keys can't be had"),
            }
        }
        match self.fetched.read().as_ref().filter(|fetched| now - fetched.at < USABLE_FOR) {
            Some(fetched) => Ok(fetched.find(id, algorithm)),
            None => Err(Away),
        }
    }
}

/// The keys of a set that check signatures which we take. Others don't matter, nor do those that can't be read.
fn read(text: &str) -> Result<Vec<Arc<ProviderKey>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let Set { keys } = serde_json::from_str(text).map_err(|error| format!("no JSON Web Key Set: {error}"))?;
    Ok(keys.into_iter().take(MAX_KEYS).filter_map(|key| provider_key(&serde_json::from_value(key).ok()?)).map(Arc::new).collect())
}

/// The type of a key decides its algorithm; a key that names another algorithm or purpose is not for access tokens of ours.
fn provider_key(jwk: &Jwk) -> Option<ProviderKey> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    if jwk.common.key_algorithm.is_some_and(|named| named != KeyAlgorithm::from(algorithm)) || !for_signatures {
        return None;
    }
    Some(ProviderKey { id: jwk.common.key_id.clone(), algorithm, checks: DecodingKey::from_jwk(jwk).ok()? })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A set that a test changes, and that counts who asks.
    #[derive(Default)]
    pub(crate) struct Shown {
        pub(crate) set: RwLock<Option<String>>,
        pub(crate) fetches: AtomicUsize,
    }

    #[async_trait]
    impl KeySetSource for Shown {
        async fn fetch(&self) -> Result<String, String> {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            self.set.read().clone().ok_or_else(|| "away".to_owned())
        }
    }

    /// The coordinates of a point on the curve: that of P-256's generator.
    fn ec(id: &str, rest: &str) -> String {
        format!(
            r#"{{"kty":"EC","crv":"P-256","kid":"{id}","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"{rest}}}"#
        )
    }

    fn set(keys: &[String]) -> Option<String> {
        Some(format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    async fn found(keys: &KeySet, id: &str, now: i64) -> Result<bool, Away> {
        Ok(keys.key(Some(id), Algorithm::ES256, at(now)).await?.is_some())
    }

    #[tokio::test]
    async fn keys_are_fetched_when_one_is_needed_and_kept() {
        let shown = Arc::new(Shown { set: RwLock::new(set(&[ec("a", "")])), ..Shown::default() });
        let keys = KeySet::new(shown.clone());
        assert_eq!(shown.fetches.load(Ordering::SeqCst), 0);
        for time in [0, 1, 599] {
            assert_eq!(found(&keys, "a", time).await, Ok(true));
        }
        assert_eq!(shown.fetches.load(Ordering::SeqCst), 1);
        assert_eq!(found(&keys, "a", 600).await, Ok(true));
        assert_eq!(shown.fetches.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_unknown_key_has_the_set_fetched_again() {
        let shown = Arc::new(Shown { set: RwLock::new(set(&[ec("a", "")])), ..Shown::default() });
        let keys = KeySet::new(shown.clone());
        assert_eq!(found(&keys, "b", 0).await, Ok(false));
        *shown.set.write() = set(&[ec("b", "")]);
        assert_eq!(found(&keys, "b", 1).await, Ok(true));
        assert_eq!(found(&keys, "a", 2).await, Ok(false), "a key that the provider took back");
    }

    #[tokio::test]
    async fn whatever_tokens_name_there_are_six_fetches_a_minute() {
        let shown = Arc::new(Shown { set: RwLock::new(set(&[ec("a", "")])), ..Shown::default() });
        let keys = KeySet::new(shown.clone());
        for guess in 0..100 {
            assert_eq!(found(&keys, &format!("guess-{guess}"), 0).await, Ok(false));
        }
        assert_eq!(shown.fetches.load(Ordering::SeqCst), MAX_FETCHES);
        assert_eq!(MAX_FETCHES, 6);
        assert_eq!(found(&keys, "a", 30).await, Ok(true), "known keys go on");
        assert_eq!(found(&keys, "guess", 60).await, Ok(false));
        assert_eq!(shown.fetches.load(Ordering::SeqCst), MAX_FETCHES + 1);
    }

    #[tokio::test]
    async fn who_waits_for_the_same_keys_shares_a_fetch() {
        let shown = Arc::new(Shown { set: RwLock::new(set(&[ec("a", "")])), ..Shown::default() });
        let keys = KeySet::new(shown.clone());
        let (one, other) = tokio::join!(found(&keys, "a", 0), found(&keys, "a", 0));
        assert_eq!((one, other), (Ok(true), Ok(true)));
        assert_eq!(shown.fetches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_provider_that_is_away_is_missed_after_an_hour() {
        let shown = Arc::new(Shown { set: RwLock::new(set(&[ec("a", "")])), ..Shown::default() });
        let keys = KeySet::new(shown.clone());
        assert_eq!(found(&keys, "a", 0).await, Ok(true));
        for broken in [None, Some("no keys".to_owned()), Some("{}".to_owned())] {
            *shown.set.write() = broken;
            assert_eq!(found(&keys, "a", 3_599).await, Ok(true));
            assert_eq!(found(&keys, "a", 3_600).await, Err(Away));
        }
    }

    #[tokio::test]
    async fn keys_of_other_kinds_and_purposes_are_left_out() {
        let shown = Arc::new(Shown::default());
        *shown.set.write() = set(&[
            ec("right", r#","alg":"ES256","use":"sig""#),
            ec("encrypts", r#","use":"enc""#),
            ec("other-algorithm", r#","alg":"ES384""#),
            r#"{"kty":"oct","kid":"symmetric","k":"c2VjcmV0"}"#.to_owned(),
            r#"{"kty":"new","kid":"unknown"}"#.to_owned(),
            r#"{"kid":"nothing"}"#.to_owned(),
        ]);
        let keys = KeySet::new(shown);
        assert_eq!(found(&keys, "right", 0).await, Ok(true));
        for id in ["encrypts", "other-algorithm", "symmetric", "unknown", "nothing"] {
            for algorithm in [Algorithm::ES256, Algorithm::HS256, Algorithm::RS256] {
                assert!(keys.key(Some(id), algorithm, at(0)).await.unwrap().is_none(), "{id}");
            }
        }
        assert!(keys.key(None, Algorithm::ES256, at(0)).await.unwrap().is_some(), "the only one");
    }
}
