//! The keys that a server is started with, and where they come from.

use std::sync::Arc;

use engine::{Caller, Role};
use futures::future::BoxFuture;

use crate::{MAX_CREDENTIAL_BYTES, TokenKey, secret::Secret};

/// The keys that a server is started with: that of access tokens, and those of the two roles.
#[derive(Default)]
pub struct BootstrapKeys {
    pub(crate) token: Option<TokenKey>,
    pub(crate) api_keys: Vec<(Secret, Caller)>,
}

/// Where the bootstrap keys are kept when it is elsewhere; they may change there.
pub trait KeptKeys: Send + Sync + 'static {
    /// As they were lately.
    fn keys(&self) -> BoxFuture<'_, Result<Arc<BootstrapKeys>, KeysAway>>;

    /// As they are now, after these refused somebody. `None` where they are the same, or where that was asked a moment ago.
    fn newer_than<'a>(&'a self, keys: &Arc<BootstrapKeys>) -> BoxFuture<'a, Option<Arc<BootstrapKeys>>>;

    /// Whether there is a key of access tokens among them.
    fn takes_tokens(&self) -> bool;

    /// Whether there is an API key among them.
    fn takes_api_keys(&self) -> bool;
}

/// Nobody says what the keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysAway;

impl BootstrapKeys {
    /// `token` checks access tokens; who shows the first API key is an admin, who shows the second a machine of the operator's.
    pub fn new(token: Option<TokenKey>, admin_api_key: Option<&str>, system_api_key: Option<&str>) -> Self {
        let key = |key: Option<&str>, role: Role| key.map(|key| (Secret::new(key), Caller { owner: format!("key:{}", role.as_str()), role }));
        BootstrapKeys { token, api_keys: [key(admin_api_key, Role::Admin), key(system_api_key, Role::System)].into_iter().flatten().collect() }
    }

    pub(crate) fn api_key(&self, key: &str) -> Option<Caller> {
        if self.api_keys.is_empty() || key.len() > MAX_CREDENTIAL_BYTES {
            return None;
        }
        let guess = Secret::new(key);
        // Every key is compared, so that the time doesn't tell which one was meant.
        self.api_keys.iter().fold(None, |found, (secret, caller)| if secret.is(&guess) { Some(caller.clone()) } else { found })
    }
}
