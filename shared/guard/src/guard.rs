//! Turns the credentials of a request into its caller, and checks callers against the table.

use chrono::{DateTime, Utc};
use engine::{Caller, Role};
use http::{HeaderMap, header::AUTHORIZATION};
use protocol::A2aError;

use crate::{Access, IdentityProvider, KeyRing, TokenKey, access, secret::Secret};

/// The most bytes of a credential; a longer one isn't looked at.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;
/// When an identity provider that is away is worth another try.
const RETRY_AFTER_SECONDS: u64 = 5;

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
}

/// Stands at the door.
pub struct Guard {
    authentication: Authentication,
    token_key: Option<TokenKey>,
    provider: Option<IdentityProvider>,
    keys: Option<KeyRing>,
    api_keys: Vec<(Secret, Caller)>,
}

impl Guard {
    /// A guard with these settings.
    pub fn new(settings: GuardSettings) -> Self {
        let key = |key: Option<String>, role: Role| key.map(|key| (Secret::new(&key), Caller { owner: format!("key:{}", role.as_str()), role }));
        Guard {
            authentication: settings.authentication,
            token_key: settings.token_key,
            provider: settings.provider,
            keys: settings.keys,
            api_keys: [key(settings.admin_api_key, Role::Admin), key(settings.system_api_key, Role::System)].into_iter().flatten().collect(),
        }
    }

    /// Who calls: anonymous without credentials, refused with wrong ones. Where a request has both an API key and a
    /// Bearer, both must hold, and the API key says who it is.
    ///
    /// # Errors
    /// [`A2aError::Unauthenticated`] for credentials that don't hold, [`A2aError::Unavailable`] where that can't be told now.
    pub async fn authenticate(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Caller, A2aError> {
        let bearer = match headers.get(AUTHORIZATION) {
            None => None,
            Some(value) => {
                let (scheme, credentials) = value.to_str().ok().and_then(|value| value.trim().split_once(' ')).ok_or_else(refused)?;
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(refused());
                }
                Some(self.bearer(credentials.trim(), now).await?.ok_or_else(refused)?)
            }
        };
        let api_key = match headers.get("x-api-key") {
            None => None,
            Some(value) => Some(self.api_key(value.to_str().map_err(|_| refused())?, now).await?.ok_or_else(refused)?),
        };
        Ok(api_key.or(bearer).unwrap_or_else(Caller::anonymous))
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
        self.token_key.is_some() || self.provider.is_some()
    }

    /// Whether there is an API key that lets its bearer in; `false` where that can't be told.
    pub async fn takes_api_keys(&self, now: DateTime<Utc>) -> bool {
        match &self.keys {
            _ if !self.api_keys.is_empty() => true,
            Some(keys) => keys.has_keys(now).await.unwrap_or(false),
            None => false,
        }
    }

    /// The API keys that operators make.
    pub fn keys(&self) -> Option<&KeyRing> {
        self.keys.as_ref()
    }

    async fn bearer(&self, credentials: &str, now: DateTime<Utc>) -> Result<Option<Caller>, A2aError> {
        if credentials.len() > MAX_CREDENTIAL_BYTES {
            return Ok(None);
        }
        let api_key = self.api_key(credentials, now).await?;
        let own = api_key.or_else(|| self.token_key.as_ref()?.bearer(credentials, now));
        match &self.provider {
            // In a box: few requests wait for keys, and all would be as large as those that do.
            Some(provider) if own.is_none() => Box::pin(provider.bearer(credentials, now)).await.map_err(unavailable),
            _ => Ok(own),
        }
    }

    async fn api_key(&self, key: &str, now: DateTime<Utc>) -> Result<Option<Caller>, A2aError> {
        match (self.bootstrap_key(key), &self.keys) {
            (None, Some(keys)) => keys.bearer(key, now).await.map_err(unavailable),
            (caller, _) => Ok(caller),
        }
    }

    fn bootstrap_key(&self, key: &str) -> Option<Caller> {
        if self.api_keys.is_empty() || key.len() > MAX_CREDENTIAL_BYTES {
            return None;
        }
        let guess = Secret::new(key);
        // Every key is compared, so that the time doesn't tell which one was meant.
        self.api_keys.iter().fold(None, |found, (secret, caller)| if secret.is(&guess) { Some(caller.clone()) } else { found })
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
    use std::time::Duration;

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
        })
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000, 0).unwrap()
    }

    async fn caller(headers: &[(&'static str, &str)]) -> Result<Caller, A2aError> {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        guard(Authentication::Optional).authenticate(&headers, now()).await
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
