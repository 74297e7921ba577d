//! Access tokens of an identity provider: JSON Web Tokens signed with RS256 or ES256, checked with its public keys.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::{Caller, Role};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use crate::{
    KeySetSource,
    key_set::{Away, KeySet},
    use_ring,
};

/// By how much the provider's clock may be ahead of ours.
const MOST_AHEAD_SECONDS: f64 = 5.0;
/// The most bytes of an issuer or a subject.
const MAX_NAME_BYTES: usize = 255;

/// Whose tokens are taken besides our own. Their bearers are `authenticated`, whatever other claims say.
pub struct IdentityProvider {
    keys: KeySet,
    issuer: Option<String>,
    audience: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    sub: String,
    #[serde(default)]
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Audience::Many(Vec::new())
    }
}

impl IdentityProvider {
    /// A provider with these keys, whose tokens must name this issuer and this audience, where they are given.
    pub fn new(keys: Arc<dyn KeySetSource>, issuer: Option<String>, audience: Option<String>) -> Self {
        use_ring();
        IdentityProvider { keys: KeySet::new(keys), issuer, audience }
    }

    /// Who bears this token; `None` for one that is forged, over, early, for somebody else, or of another kind.
    pub(crate) async fn bearer(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Caller>, Away> {
        Ok(self.claims(token, now).await?.filter(|claims| self.hold(claims, now)).map(|claims| Caller {
            // No subject of our own tokens, nor of another issuer's, has this name.
            owner: format!("iss:{} sub:{}", claims.iss, claims.sub),
            role: Role::Authenticated,
        }))
    }

    /// Whether the provider signed it, whatever it says; `false` where that can't be told.
    pub(crate) async fn signed(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.claims(token, now).await.is_ok_and(|claims| claims.is_some())
    }

    /// What a token says that the provider signed, true or not.
    async fn claims(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Claims>, Away> {
        let Some(header) = jsonwebtoken::decode_header(token).ok().filter(|header| header.crit.is_none()) else { return Ok(None) };
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Ok(None);
        }
        let Some(key) = self.keys.key(header.kid.as_deref(), header.alg, now).await? else { return Ok(None) };
        let mut validation = Validation::new(key.algorithm);
        // Checked here, by the caller's clock, and whether they are there or not.
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        Ok(jsonwebtoken::decode::<Claims>(token, &key.checks, &validation).ok().map(|decoded| decoded.claims))
    }

    fn hold(&self, claims: &Claims, now: DateTime<Utc>) -> bool {
        let now = now.timestamp_millis() as f64 / 1000.0;
        let is_name = |name: &str| name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control);
        let for_us = |audience: &String| match &claims.aud {
            Audience::One(one) => one == audience,
            Audience::Many(many) => many.contains(audience),
        };
        claims.exp > now
            && claims.nbf.is_none_or(|from| from <= now + MOST_AHEAD_SECONDS)
            && self.issuer.as_ref().is_none_or(|issuer| claims.iss == *issuer)
            && self.audience.as_ref().is_none_or(for_us)
            && !claims.sub.is_empty()
            && is_name(&claims.sub)
            && is_name(&claims.iss)
            && !claims.iss.contains(' ')
    }
}

#[cfg(test)]
mod tests {
    use ::tests::tokens::SigningKey;
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;
    use crate::key_set::tests::Shown;

    struct Provider {
        rsa: SigningKey,
        ec: SigningKey,
        shown: Arc<Shown>,
        checks: IdentityProvider,
    }

    impl Provider {
        fn new(rsa: SigningKey) -> Self {
            let ec = SigningKey::ec("e");
            let set = json!({"keys": [rsa.public(), ec.public()]}).to_string();
            let shown = Arc::new(Shown::default());
            *shown.set.write() = Some(set);
            let checks = IdentityProvider::new(shown.clone(), Some("https://id.example".into()), Some("a2a".into()));
            Provider { rsa, ec, shown, checks }
        }

        async fn bearer(&self, token: &str) -> Option<Caller> {
            self.checks.bearer(token, now()).await.unwrap()
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000, 0).unwrap()
    }

    fn claims(change: Value) -> Value {
        let mut claims = json!({"iss": "https://id.example", "aud": "a2a", "sub": "ann", "exp": 2_000});
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, claim| !claim.is_null());
        claims
    }

    #[tokio::test]
    async fn a_token_of_either_algorithm_tells_its_bearer() {
        let provider = Provider::new(SigningKey::rsa("r"));
        let ann = Caller { owner: "iss:https://id.example sub:ann".into(), role: Role::Authenticated };
        for key in [&provider.rsa, &provider.ec] {
            for change in [json!({}), json!({"aud": ["other", "a2a"]}), json!({"nbf": 1_005}), json!({"exp": 1_000.5}), json!({"role": "admin"})] {
                assert_eq!(provider.bearer(&key.signed(&key.header(json!({})), &claims(change.clone()))).await, Some(ann.clone()), "{change}");
            }
        }
        assert_eq!(provider.bearer(&provider.ec.signed(&json!({"alg": "ES256"}), &claims(json!({})))).await, Some(ann), "the only key");
    }

    #[tokio::test]
    async fn claims_that_do_not_hold_are_refused() {
        let provider = Provider::new(SigningKey::rsa("r"));
        for change in [
            json!({"exp": 1_000}),
            json!({"exp": null}),
            json!({"exp": "2000"}),
            json!({"nbf": 1_006}),
            json!({"iss": "https://other.example"}),
            json!({"iss": null}),
            json!({"iss": ["https://id.example"]}),
            json!({"aud": "other"}),
            json!({"aud": null}),
            json!({"aud": []}),
            json!({"sub": null}),
            json!({"sub": ""}),
            json!({"sub": "a\nb"}),
            json!({"sub": "a".repeat(256)}),
        ] {
            let token = provider.rsa.signed(&provider.rsa.header(json!({})), &claims(change.clone()));
            assert_eq!(provider.bearer(&token).await, None, "{change}");
        }
    }

    #[tokio::test]
    async fn algorithms_are_pinned_by_the_key() {
        let provider = Provider::new(SigningKey::rsa("r"));
        let right = claims(json!({}));
        let set: Value = serde_json::from_str(provider.shown.set.read().as_ref().unwrap()).unwrap();
        let public = [set["keys"][0]["n"].as_str().unwrap().to_owned(), set["keys"][0].to_string(), set.to_string()];
        for secret in public {
            for id in ["r", "e"] {
                let key = SigningKey::secret(id, &secret);
                let confused = key.signed(&key.header(json!({})), &right);
                assert_eq!(provider.bearer(&confused).await, None, "signed with what everybody knows");
            }
        }
        for (key, changes) in [
            (&provider.rsa, json!({"kid": "e"})),
            (&provider.ec, json!({"kid": "r"})),
            (&provider.rsa, json!({"alg": "RS512"})),
            (&provider.rsa, json!({"alg": "PS256"})),
            (&provider.rsa, json!({"kid": "unknown"})),
        ] {
            assert_eq!(provider.bearer(&key.signed(&key.header(changes.clone()), &right)).await, None, "{changes}");
        }
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        for none in ["none", "None", "NONE", ""] {
            let unsigned = format!("{}.{}.", part(&json!({"alg": none, "kid": "r"}).to_string()), part(&right.to_string()));
            assert_eq!(provider.bearer(&unsigned).await, None);
        }
    }

    #[tokio::test]
    async fn another_key_or_changed_claims_are_refused() {
        let (provider, stranger) = (Provider::new(SigningKey::rsa("r")), Provider::new(SigningKey::rsa_of_a_stranger("r")));
        let right = claims(json!({}));
        for (key, theirs) in [(&provider.ec, &stranger.ec), (&provider.rsa, &stranger.rsa)] {
            assert_eq!(provider.bearer(&theirs.signed(&theirs.header(json!({})), &right)).await, None);
            // A key that the token itself brings is nobody's.
            let brings = theirs.header(json!({"jwk": theirs.public(), "jku": "https://stranger.example/"}));
            assert_eq!(provider.bearer(&theirs.signed(&brings, &right)).await, None);
            let critical = key.header(json!({"crit": ["b64"]}));
            assert_eq!(provider.bearer(&key.signed(&critical, &right)).await, None, "an extension that we don't know");
        }

        let token = provider.ec.signed(&provider.ec.header(json!({})), &right);
        let parts: Vec<&str> = token.split('.').collect();
        let changed = BASE64_URL_SAFE_NO_PAD.encode(claims(json!({"sub": "bob"})).to_string());
        assert_eq!(provider.bearer(&format!("{}.{changed}.{}", parts[0], parts[2])).await, None);
        for broken in ["", ".", "..", "a.b", "a.b.c.d", token.trim_end_matches(|c| c != '.')] {
            assert_eq!(provider.bearer(broken).await, None, "{broken}");
        }
    }
}
