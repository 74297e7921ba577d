//! Who gets in, and where we go on behalf of clients.

use std::fmt;

use edge::SigningKey;
use guard::{Authentication, DEFAULT_FAILURES, LimitSettings, MAX_RATE, Rate, TokenKey, threats::Policy};
use protocol::Method;

use super::vars::{SettingError, Vars, masked, wrong};

/// Who gets in, and where we go on behalf of clients.
#[derive(Clone)]
pub struct SecuritySettings {
    /// `A2A_AUTH`: `optional` (anonymous callers may use tasks) or `required`. Default `optional`.
    pub authentication: Authentication,
    /// `A2A_SECRET_KEY`: signs and checks access tokens (HS256), 32 bytes or more. Default none: tokens are refused.
    pub secret_key: Option<SecretValue>,
    /// `A2A_CREDENTIALS_KEY`: seals the credentials of webhooks in the store; several, separated by commas, of which the first seals and all open, or the
    /// ARN of a secret that holds them. Default derived from the secret key; without one, a key that is made once and kept with the database.
    pub credentials_key: Option<SecretValue>,
    /// `A2A_JWKS_URL`, `A2A_JWT_ISSUER` and `A2A_JWT_AUDIENCE`: whose tokens (RS256, ES256) are taken besides. Default none.
    pub provider: Option<ProviderSettings>,
    /// `A2A_ADMIN_API_KEY`: whoever shows it is an admin. At least 8 visible ASCII characters. Default none.
    pub admin_api_key: Option<SecretValue>,
    /// `A2A_SYSTEM_API_KEY`: whoever shows it is the operator's machine. As above, and another. Default none.
    pub system_api_key: Option<SecretValue>,
    /// `A2A_CARD_SIGNING_KEY`: the P-256 private key that signs agent cards, as PKCS #8 PEM. Default one that is made once and kept with the
    /// database.
    pub card_signing_key: Option<String>,
    /// `A2A_PUSH_ALLOW_LOOPBACK`: `1` lets webhooks go to this machine, for tests and laptops; not where authentication
    /// is required. Default off.
    pub push_allow_loopback: bool,
    /// `A2A_THREATS`: `off`, `report` (attacks in requests are recorded) or `block` (and refused). Default `report`.
    pub threats: Policy,
    /// `A2A_RATE_LIMIT_PER_MINUTE`, `A2A_RATE_LIMIT_BURST` and `A2A_RATE_LIMIT_METHODS`: how often each client may ask. Default as often as
    /// they like.
    pub limits: LimitSettings,
    /// `A2A_BLOCK_AFTER_FAILURES`: so many wrong credentials within 15 minutes block an address, 1 to 1000; `off` or 0: as many as they like. Default 10.
    pub block_after: Option<u32>,
}

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// `A2A_JWKS_URL`: where its public keys are, `https://…`, or `http://…` on this machine.
    pub jwks_url: String,
    /// `A2A_JWT_ISSUER`: what its tokens must say in `iss`. Default anything.
    pub issuer: Option<String>,
    /// `A2A_JWT_AUDIENCE`: what its tokens must say in `aud`. Default anything, or nothing.
    pub audience: Option<String>,
}

/// A secret, or where it is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// Itself.
    Given(String),
    /// By AWS Secrets Manager, under this ARN.
    Kept {
        /// `arn:aws:secretsmanager:…`
        arn: String,
    },
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            SecretValue::Given(secret) => masked(secret),
            SecretValue::Kept { arn } => format!("`{arn}`"),
        })
    }
}

pub(super) fn read(vars: &Vars) -> Result<SecuritySettings, SettingError> {
    let authentication =
        vars.word("A2A_AUTH", &[("optional", Authentication::Optional), ("required", Authentication::Required)], Authentication::Optional)?;
    let secret_key = secret(vars, "A2A_SECRET_KEY", SECRET_KEY_TAKES, is_secret_key)?;
    let credentials_key = secret(vars, "A2A_CREDENTIALS_KEY", CREDENTIALS_KEY_TAKES, |text| credentials_keys(text).is_some())?;
    let admin_api_key = secret(vars, "A2A_ADMIN_API_KEY", API_KEY_TAKES, is_api_key)?;
    let system_api_key = secret(vars, "A2A_SYSTEM_API_KEY", API_KEY_TAKES, is_api_key)?;
    if let (Some(admin), Some(system)) = (&admin_api_key, &system_api_key)
        && admin == system
    {
        return Err(wrong("A2A_SYSTEM_API_KEY", format!("{system:?}"), "another key than A2A_ADMIN_API_KEY"));
    }
    let card_signing_key = vars
        .secret("A2A_CARD_SIGNING_KEY", "a P-256 private key in PKCS #8 PEM form", |pem| SigningKey::from_pem(pem).is_ok().then(|| pem.to_owned()))?;
    let push_allow_loopback = vars.switch("A2A_PUSH_ALLOW_LOOPBACK")?;
    if push_allow_loopback && authentication == Authentication::Required {
        return Err(wrong("A2A_PUSH_ALLOW_LOOPBACK", "`1`", "nothing where A2A_AUTH is `required`: webhooks must not reach this machine"));
    }
    let threats =
        vars.word("A2A_THREATS", &[Policy::Off, Policy::Report, Policy::Block].map(|policy| (policy.as_str(), policy)), Policy::default())?;
    Ok(SecuritySettings {
        authentication,
        secret_key,
        credentials_key,
        provider: provider(vars)?,
        admin_api_key,
        system_api_key,
        card_signing_key,
        push_allow_loopback,
        threats,
        limits: limits(vars)?,
        block_after: block_after(vars)?,
    })
}

fn block_after(vars: &Vars) -> Result<Option<u32>, SettingError> {
    let takes = format!("`off`, or a whole number from 0 to {MAX_FAILURES}");
    let after = vars.read("A2A_BLOCK_AFTER_FAILURES", &takes, |value| match value {
        "off" => Some(0),
        value => value.parse().ok().filter(|after| *after <= MAX_FAILURES),
    })?;
    Ok(Some(after.unwrap_or(DEFAULT_FAILURES)).filter(|after| *after > 0))
}

/// The most that `A2A_BLOCK_AFTER_FAILURES` takes: each is kept with its time.
const MAX_FAILURES: u32 = 1_000;

/// `A2A_RATE_LIMIT_PER_MINUTE`: requests a minute of each address without credentials, and of each identity; `off` or 0 to 1000000. Default off.
/// `A2A_RATE_LIMIT_BURST`: how many may come at once, 1 to 1000000; of no meaning where the former is off. Default twice as many.
/// `A2A_RATE_LIMIT_METHODS`: the same for single methods on top, such as `SendMessage=20,ListTasks=60`, with bursts of twice as many. Default none.
fn limits(vars: &Vars) -> Result<LimitSettings, SettingError> {
    let takes = format!("`off`, or a whole number from 0 to {MAX_RATE}");
    let per_minute = vars.read("A2A_RATE_LIMIT_PER_MINUTE", &takes, |value| match value {
        "off" => Some(0),
        value => value.parse().ok().filter(|rate| *rate <= MAX_RATE),
    })?;
    let each = per_minute.filter(|rate| *rate > 0).map(Rate::per_minute);
    let burst = vars.number("A2A_RATE_LIMIT_BURST", 1..=MAX_RATE, each.map_or(1, |rate| rate.burst))?;
    let method = |entry: &str| {
        let (name, per_minute) = entry.trim().split_once('=')?;
        let method = Method::ALL.into_iter().find(|method| method.name() == name.trim())?;
        let per_minute = per_minute.trim().parse().ok().filter(|rate| (1..=MAX_RATE).contains(rate))?;
        Some((method, Rate::per_minute(per_minute)))
    };
    let methods = vars.read("A2A_RATE_LIMIT_METHODS", "methods and their requests a minute, such as `SendMessage=20,ListTasks=60`", |value| {
        value.split(',').map(method).collect::<Option<Vec<_>>>()
    })?;
    Ok(LimitSettings { each: each.map(|rate| Rate { burst, ..rate }), methods: methods.unwrap_or_default() })
}

fn provider(vars: &Vars) -> Result<Option<ProviderSettings>, SettingError> {
    let jwks_url = vars.read("A2A_JWKS_URL", "`https://…`, or `http://…` on this machine", |url| is_trusted(url).then(|| url.to_owned()))?;
    let claim = |name: &str| vars.get(name).map(str::to_owned);
    let (issuer, audience) = (claim("A2A_JWT_ISSUER"), claim("A2A_JWT_AUDIENCE"));
    match jwks_url {
        Some(jwks_url) => Ok(Some(ProviderSettings { jwks_url, issuer, audience })),
        None => match [("A2A_JWT_ISSUER", issuer), ("A2A_JWT_AUDIENCE", audience)] {
            [(name, Some(value)), _] | [_, (name, Some(value))] => Err(wrong(name, format!("`{value}`"), "nothing where A2A_JWKS_URL is unset")),
            _ => Ok(None),
        },
    }
}

/// Whoever answers there says who everybody is, so nobody may stand between.
fn is_trusted(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    match url.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty() && !host(rest).contains('@'),
        Some(("http", rest)) => {
            let host = host(rest);
            let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host.as_str(), |(name, _)| name);
            ["localhost", "127.0.0.1", "[::1]"].contains(&name)
        }
        _ => false,
    }
}

/// What `A2A_SECRET_KEY` takes, and what takes its place in Secrets Manager.
pub(crate) const SECRET_KEY_TAKES: &str = "32 bytes or more";
/// The same of `A2A_CREDENTIALS_KEY`.
pub(crate) const CREDENTIALS_KEY_TAKES: &str = "32 bytes or more, or several such keys separated by commas";
/// The same of `A2A_ADMIN_API_KEY` and `A2A_SYSTEM_API_KEY`.
pub(crate) const API_KEY_TAKES: &str = "8 or more visible ASCII characters without spaces";

pub(crate) fn is_secret_key(key: &str) -> bool {
    TokenKey::new(key).is_ok()
}

/// The keys of `A2A_CREDENTIALS_KEY`, the newest first; `None` where one is too short.
pub(crate) fn credentials_keys(text: &str) -> Option<Vec<String>> {
    let keys: Vec<String> = text.split(',').map(|key| key.trim().to_owned()).collect();
    keys.iter().all(|key| key.len() >= 32).then_some(keys)
}

pub(crate) fn is_api_key(key: &str) -> bool {
    key.len() >= 8 && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// One in Secrets Manager is only seen when it is fetched.
fn secret(vars: &Vars, name: &str, takes: &str, is_usable: fn(&str) -> bool) -> Result<Option<SecretValue>, SettingError> {
    vars.secret(name, &format!("{takes}, or the ARN of a secret in Secrets Manager"), |value| {
        let mut parts = value.split(':');
        match (parts.next(), parts.nth(1)) {
            (Some("arn"), Some("secretsmanager")) => Some(SecretValue::Kept { arn: value.to_owned() }),
            _ => is_usable(value).then(|| SecretValue::Given(value.to_owned())),
        }
    })
}

impl fmt::Debug for SecuritySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecuritySettings")
            .field("authentication", &self.authentication)
            .field("secret_key", &self.secret_key)
            .field("credentials_key", &self.credentials_key)
            .field("provider", &self.provider)
            .field("admin_api_key", &self.admin_api_key)
            .field("system_api_key", &self.system_api_key)
            .field("card_signing_key", &self.card_signing_key.as_deref().map(masked))
            .field("push_allow_loopback", &self.push_allow_loopback)
            .field("threats", &self.threats)
            .field("limits", &self.limits)
            .field("block_after", &self.block_after)
            .finish()
    }
}
