//! Turns the credentials of a request into its caller, and checks callers against the table.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::Caller;
use http::{HeaderMap, header::AUTHORIZATION};
use protocol::A2aError;

use crate::{
    Access, IdentityProvider, KeyRing, TokenKey, access,
    keys::{BootstrapKeys, KeptKeys, KeysAway},
};

/// The most bytes of a credential; a longer one isn't looked at.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;
/// When keys that can't be had now, ours or an identity provider's, are worth another try.
const RETRY_AFTER_SECONDS: u64 = 5;
const API_KEY: &str = "x-api-key";

/// Whether a request shows credentials, of whatever kind.
pub fn shows_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(API_KEY)
}

/// Whether anonymous callers may use tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// They may; all of them are one owner.
    #[default]
    Optional,
    /// Credentials are needed for every method.
    Required,
}

/// What the guard is made of. Each credential that isn't set is refused.
#[derive(Default)]
pub struct GuardSettings {
    /// Whether anonymous callers may use tasks.
    pub authentication: Authentication,
    /// Checks access tokens.
    pub token_key: Option<TokenKey>,
    /// Whose access tokens are taken besides.
    pub provider: Option<IdentityProvider>,
    /// The API keys that operators make.
    pub keys: Option<KeyRing>,
    /// Its bearer is an admin.
    pub admin_api_key: Option<String>,
    /// Its bearer is a machine of the operator's.
    pub system_api_key: Option<String>,
    /// Where the key of tokens and those of the two roles are, in place of them; nobody asks for them before somebody shows credentials.
    pub kept: Option<Arc<dyn KeptKeys>>,
}

/// Who calls, and how often they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub caller: Caller,
    /// Requests a minute that an API key carries, in place of every other limit.
    pub own_limit: Option<u32>,
}

impl From<Caller> for Identity {
    fn from(caller: Caller) -> Self {
        Identity { caller, own_limit: None }
    }
}

/// Stands at the door.
pub struct Guard {
    authentication: Authentication,
    bootstrap: KeySource,
    provider: Option<IdentityProvider>,
    keys: Option<KeyRing>,
}

enum KeySource {
    Known(BootstrapKeys),
    Kept(Arc<dyn KeptKeys>),
}

impl Guard {
    /// A guard with these settings.
    pub fn new(settings: GuardSettings) -> Self {
        let GuardSettings { authentication, token_key, provider, keys, admin_api_key, system_api_key, kept } = settings;
        let bootstrap = match kept {
            Some(kept) => KeySource::Kept(kept),
            None => KeySource::Known(BootstrapKeys::new(token_key, admin_api_key.as_deref(), system_api_key.as_deref())),
        };
        Guard { authentication, bootstrap, provider, keys }
    }

    /// Who calls: anonymous without credentials, refused with wrong ones. Where a request has both an API key and a
    /// Bearer, both must hold, and the API key says who it is.
    ///
    /// # Errors
    /// [`A2aError::Unauthenticated`] for credentials that don't hold, [`A2aError::Unavailable`] where that can't be told now.
    pub async fn authenticate(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Identity, A2aError> {
        match &self.bootstrap {
            KeySource::Known(bootstrap) => self.by(bootstrap, headers, now).await,
            KeySource::Kept(_) if !shows_credentials(headers) => Ok(Caller::anonymous().into()),
            // In a box: no other request is to be as large.
            KeySource::Kept(kept) => Box::pin(self.by_kept_keys(&**kept, headers, now)).await,
        }
    }

    /// Whether credentials that don't hold were good once: expired, revoked, or meant for another time or audience. Who shows such isn't guessing.
    pub async fn knew(&self, headers: &HeaderMap, now: DateTime<Utc>) -> bool {
        let kept;
        let bootstrap = match &self.bootstrap {
            KeySource::Known(bootstrap) => bootstrap,
            KeySource::Kept(source) => match source.keys().await {
                Ok(keys) => {
                    kept = keys;
                    &*kept
                }
                Err(KeysAway) => return false,
            },
        };
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
        let bearer = text(AUTHORIZATION.as_str()).map(|value| value.split_once(' ').map_or("", |(_, credentials)| credentials.trim()));
        for (credentials, is_bearer) in [(bearer, true), (text(API_KEY), false)] {
            let Some(credentials) = credentials else { continue };
            if !self.knew_one(bootstrap, credentials, is_bearer, now).await {
                return false;
            }
        }
        true
    }

    async fn knew_one(&self, bootstrap: &BootstrapKeys, credentials: &str, is_bearer: bool, now: DateTime<Utc>) -> bool {
        if credentials.len() > MAX_CREDENTIAL_BYTES {
            return false;
        }
        let is_key = bootstrap.api_key(credentials).is_some()
            || match &self.keys {
                Some(keys) => keys.knew(credentials, now).await,
                None => false,
            };
        let is_token = || is_bearer && bootstrap.token.as_ref().is_some_and(|key| key.signed(credentials));
        is_key
            || is_token()
            || match &self.provider {
                Some(provider) if is_bearer => provider.signed(credentials, now).await,
                _ => false,
            }
    }

    /// Whether the caller may.
    pub fn authorize(&self, caller: &Caller, access: Access) -> Result<(), A2aError> {
        access::check(caller.role, access, self.authentication)
    }

    /// Whether anonymous callers may use tasks.
    pub fn authentication(&self) -> Authentication {
        self.authentication
    }

    /// Whether there is a way to show an access token.
    pub fn takes_tokens(&self) -> bool {
        self.provider.is_some()
            || match &self.bootstrap {
                KeySource::Known(bootstrap) => bootstrap.token.is_some(),
                KeySource::Kept(kept) => kept.takes_tokens(),
            }
    }

    /// Whether there is an API key that lets its bearer in; `false` where that can't be told.
    pub async fn takes_api_keys(&self, now: DateTime<Utc>) -> bool {
        let bootstrap = match &self.bootstrap {
            KeySource::Known(bootstrap) => !bootstrap.api_keys.is_empty(),
            KeySource::Kept(kept) => kept.takes_api_keys(),
        };
        match &self.keys {
            _ if bootstrap => true,
            Some(keys) => keys.has_keys(now).await.unwrap_or(false),
            None => false,
        }
    }

    /// The API keys that operators make.
    pub fn keys(&self) -> Option<&KeyRing> {
        self.keys.as_ref()
    }

    async fn by_kept_keys(&self, kept: &dyn KeptKeys, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Identity, A2aError> {
        let bootstrap = kept.keys().await.map_err(|KeysAway| A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS })?;
        match self.by(&bootstrap, headers, now).await {
            // Perhaps the client knows the new key already, and we don't.
            Err(refusal @ A2aError::Unauthenticated { .. }) => match kept.newer_than(&bootstrap).await {
                Some(newer) => self.by(&newer, headers, now).await,
                None => Err(refusal),
            },
            caller => caller,
        }
    }

    async fn by(&self, bootstrap: &BootstrapKeys, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Identity, A2aError> {
        let bearer = match headers.get(AUTHORIZATION) {
            None => None,
            Some(value) => {
                let (scheme, credentials) = value.to_str().ok().and_then(|value| value.trim().split_once(' ')).ok_or_else(refused)?;
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(refused());
                }
                Some(self.bearer(bootstrap, credentials.trim(), now).await?.ok_or_else(refused)?)
            }
        };
        let api_key = match headers.get(API_KEY) {
            None => None,
            Some(value) => Some(self.api_key(bootstrap, value.to_str().map_err(|_| refused())?, now).await?.ok_or_else(refused)?),
        };
        Ok(api_key.or(bearer).unwrap_or_else(|| Caller::anonymous().into()))
    }

    async fn bearer(&self, bootstrap: &BootstrapKeys, credentials: &str, now: DateTime<Utc>) -> Result<Option<Identity>, A2aError> {
        if credentials.len() > MAX_CREDENTIAL_BYTES {
            return Ok(None);
        }
        let api_key = self.api_key(bootstrap, credentials, now).await?;
        let own = api_key.or_else(|| bootstrap.token.as_ref()?.bearer(credentials, now).map(Identity::from));
        match &self.provider {
            // In a box: few requests wait for keys, and all would be as large as those that do.
            Some(provider) if own.is_none() => {
                Box::pin(provider.bearer(credentials, now)).await.map(|caller| caller.map(Identity::from)).map_err(unavailable)
            }
            _ => Ok(own),
        }
    }

    async fn api_key(&self, bootstrap: &BootstrapKeys, key: &str, now: DateTime<Utc>) -> Result<Option<Identity>, A2aError> {
        match (bootstrap.api_key(key), &self.keys) {
            (None, Some(keys)) => keys.bearer(key, now).await.map_err(unavailable),
            (caller, _) => Ok(caller.map(Identity::from)),
        }
    }
}

fn refused() -> A2aError {
    A2aError::Unauthenticated { reason: "the credentials are not valid here".into() }
}

/// Nobody can tell now who it is: that is no reason to call credentials wrong.
fn unavailable(cause: impl std::fmt::Display) -> A2aError {
    tracing::warn!(%cause, "credentials can't be checked");
    A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use engine::Role;
    use futures::future::BoxFuture;

    use super::*;
    use crate::issue_token;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn guard(authentication: Authentication) -> Guard {
        Guard::new(GuardSettings {
            authentication,
            token_key: Some(TokenKey::new(SECRET).unwrap()),
            provider: None,
            keys: None,
            admin_api_key: Some("admin-key".into()),
            system_api_key: Some("system-key".into()),
            kept: None,
        })
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000, 0).unwrap()
    }

    async fn caller(headers: &[(&'static str, &str)]) -> Result<Caller, A2aError> {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        guard(Authentication::Optional).authenticate(&headers, now()).await.map(|identity| identity.caller)
    }

    /// Keys that are elsewhere: what is there, and how often somebody asked.
    #[derive(Default)]
    struct Elsewhere {
        lately: Option<Arc<BootstrapKeys>>,
        newer: Option<Arc<BootstrapKeys>>,
        asked: Mutex<Vec<&'static str>>,
    }

    impl KeptKeys for Elsewhere {
        fn keys(&self) -> BoxFuture<'_, Result<Arc<BootstrapKeys>, KeysAway>> {
            self.asked.lock().unwrap().push("keys");
            Box::pin(async { self.lately.clone().ok_or(KeysAway) })
        }

        fn newer_than<'a>(&'a self, _: &Arc<BootstrapKeys>) -> BoxFuture<'a, Option<Arc<BootstrapKeys>>> {
            self.asked.lock().unwrap().push("newer");
            Box::pin(async { self.newer.clone() })
        }

        fn takes_tokens(&self) -> bool {
            true
        }

        fn takes_api_keys(&self) -> bool {
            true
        }
    }

    async fn kept_role(kept: &Arc<Elsewhere>, key: &str) -> Result<Role, A2aError> {
        let guard = Guard::new(GuardSettings { kept: Some(kept.clone()), ..GuardSettings::default() });
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(API_KEY), key.parse().unwrap())]);
        guard.authenticate(&headers, now()).await.map(|identity| identity.caller.role)
    }

    #[tokio::test]
    async fn kept_keys_are_asked_for_when_somebody_shows_credentials_and_again_when_those_are_refused() {
        let older = BootstrapKeys::new(None, Some("older-admin-key"), None);
        let newer = BootstrapKeys::new(None, Some("admin-key"), Some("system-key"));
        let kept = Arc::new(Elsewhere { lately: Some(Arc::new(older)), newer: Some(Arc::new(newer)), asked: Mutex::default() });
        let guard = Guard::new(GuardSettings { kept: Some(kept.clone()), ..GuardSettings::default() });
        assert_eq!(guard.authenticate(&HeaderMap::new(), now()).await, Ok(Caller::anonymous().into()));
        assert!(kept.asked.lock().unwrap().is_empty());
        assert_eq!(kept_role(&kept, "older-admin-key").await, Ok(Role::Admin));
        assert_eq!(kept_role(&kept, "system-key").await, Ok(Role::System));
        assert!(matches!(kept_role(&kept, "wrong-key").await, Err(A2aError::Unauthenticated { .. })));
        assert_eq!(*kept.asked.lock().unwrap(), ["keys", "keys", "newer", "keys", "newer"]);
    }

    #[tokio::test]
    async fn who_can_not_be_checked_is_told_to_come_again() {
        assert!(matches!(kept_role(&Arc::default(), "admin-key").await, Err(A2aError::Unavailable { .. })));
    }

    #[tokio::test]
    async fn no_credentials_are_anonymous() {
        assert_eq!(caller(&[]).await, Ok(Caller::anonymous()));
    }

    #[tokio::test]
    async fn a_bootstrap_key_is_taken_as_api_key_and_as_bearer() {
        let admin = Caller { owner: "key:admin".into(), role: Role::Admin };
        assert_eq!(caller(&[("x-api-key", "admin-key")]).await, Ok(admin.clone()));
        assert_eq!(caller(&[("authorization", "Bearer admin-key")]).await, Ok(admin));
        assert_eq!(caller(&[("authorization", "bearer system-key")]).await.map(|c| c.role), Ok(Role::System));
    }

    #[tokio::test]
    async fn a_token_is_taken_as_bearer_only() {
        let token = issue_token(&TokenKey::new(SECRET).unwrap(), "ann", Role::Authenticated, Duration::from_secs(9), now()).unwrap();
        assert_eq!(caller(&[("authorization", &format!("Bearer {token}"))]).await.map(|c| c.owner), Ok("sub:ann".into()));
        assert!(caller(&[("x-api-key", &token)]).await.is_err());
    }

    #[tokio::test]
    async fn wrong_credentials_are_refused_even_where_none_are_needed() {
        for headers in [
            [("x-api-key", "admin-kex")],
            [("x-api-key", "")],
            [("authorization", "Bearer nonsense")],
            [("authorization", "Bearer a.b.c")],
            [("authorization", "Bearer")],
            [("authorization", "Basic YWRtaW46YWRtaW4=")],
        ] {
            assert!(matches!(caller(&headers).await, Err(A2aError::Unauthenticated { .. })), "{headers:?}");
        }
        assert!(caller(&[("x-api-key", "admin-key"), ("authorization", "Bearer nonsense")]).await.is_err());
    }

    #[tokio::test]
    async fn who_has_credentials_that_were_good_once_is_not_guessing() {
        let key = TokenKey::new(SECRET).unwrap();
        let other = TokenKey::new("another secret key of 32 or more bytes").unwrap();
        let token = |key: &TokenKey, seconds: u64| {
            format!(
                "Bearer {}",
                issue_token(key, "ann", Role::Authenticated, Duration::from_secs(seconds), now() - chrono::TimeDelta::seconds(100)).unwrap()
            )
        };
        let guard = guard(Authentication::Optional);
        for (name, value, knew) in [
            ("authorization", token(&key, 9), true),
            ("authorization", token(&other, 9), false),
            ("authorization", "Bearer nonsense".to_owned(), false),
            ("authorization", "Basic YWRtaW46YWRtaW4=".to_owned(), false),
            ("x-api-key", "admin-kex".to_owned(), false),
            ("x-api-key", String::new(), false),
        ] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
            assert!(guard.authenticate(&headers, now()).await.is_err(), "{value}");
            assert_eq!(guard.knew(&headers, now()).await, knew, "{value}");
        }
    }

    #[tokio::test]
    async fn without_settings_every_credential_is_refused() {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer admin-key".parse().unwrap())]);
        assert!(Guard::new(GuardSettings::default()).authenticate(&headers, now()).await.is_err());
    }

    #[test]
    fn required_authentication_asks_anonymous_callers_for_credentials() {
        let access = Access::Method(protocol::Method::SendMessage);
        assert_eq!(guard(Authentication::Optional).authorize(&Caller::anonymous(), access), Ok(()));
        assert!(matches!(guard(Authentication::Required).authorize(&Caller::anonymous(), access), Err(A2aError::Unauthenticated { .. })));
    }

    #[tokio::test]
    async fn a_credential_that_is_too_long_is_not_looked_at() {
        let key = "k".repeat(MAX_CREDENTIAL_BYTES + 1);
        let guard = Guard::new(GuardSettings { admin_api_key: Some(key.clone()), ..GuardSettings::default() });
        for header in [("x-api-key", key.clone()), ("authorization", format!("Bearer {key}"))] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(header.0), header.1.parse().unwrap())]);
            assert!(matches!(guard.authenticate(&headers, now()).await, Err(A2aError::Unauthenticated { .. })), "{}", header.0);
        }
    }

    #[tokio::test]
    async fn a_provider_that_is_away_is_no_reason_to_call_credentials_wrong() {
        let provider = IdentityProvider::new(std::sync::Arc::new(crate::key_set::tests::Shown::default()), None, None);
        let guard = Guard::new(GuardSettings { token_key: TokenKey::new(SECRET).ok(), provider: Some(provider), ..GuardSettings::default() });
        let own = issue_token(&TokenKey::new(SECRET).unwrap(), "ann", Role::Authenticated, Duration::from_secs(9), now()).unwrap();
        let foreign = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln";
        for (token, holds) in [(own.as_str(), Some(true)), (foreign, None), ("nonsense", Some(false))] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
            match guard.authenticate(&headers, now()).await {
                Err(A2aError::Unavailable { .. }) => assert_eq!(holds, None, "{token}"),
                told => assert_eq!(holds, Some(told.is_ok()), "{token}"),
            }
        }
    }
}
