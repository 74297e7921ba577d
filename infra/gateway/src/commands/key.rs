//! `a2a key`: API keys. A new one is alone on standard output, for use in scripts; what else there is to say of it goes to standard error.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use edge::AuditEvent;
use engine::ports::{ApiKey, AuditKind, AuditOutcome, Clock, SystemClock};
use guard::{IssuedKey, NewKey};
use setup::Settings;

use super::say;
use crate::cli::{KeyCommand, KeyOptions};

/// Needs the database that servers use, not a server.
pub async fn run(command: KeyCommand) -> Result<()> {
    let (keys, audit) = setup::keys(&Settings::from_env()?).await?;
    let now = SystemClock.now();
    match command {
        KeyCommand::Create(KeyOptions { name, role, expires, rate_limit }) => {
            let made = keys.create(NewKey { name, role, days: expires, rate_limit_per_minute: rate_limit }, now).await?;
            audit.record(done(AuditKind::KeyCreated, &made.key));
            show(&made);
        }
        KeyCommand::List => keys.list().await?.iter().for_each(|key| say(line(key, now))),
        KeyCommand::Rotate(named) => {
            let rotated = keys.rotate(&named.key, now).await?;
            audit.record(done(AuditKind::KeyRotated, &rotated.key));
            show(&rotated);
        }
        KeyCommand::Revoke(named) => {
            let revoked = keys.revoke(&named.key, now).await?;
            audit.record(done(AuditKind::KeyRevoked, &revoked));
            say(format_args!("revoked {}", revoked.id));
        }
    }
    audit.drain().await;
    Ok(())
}

fn done(kind: AuditKind, key: &ApiKey) -> AuditEvent {
    let event = AuditEvent::new(kind, AuditOutcome::Done, "on the command line");
    AuditEvent { subject: "cli".to_owned(), method: "a2a key", object: Some(key.id.clone()), ..event }
}

fn show(IssuedKey { secret, key }: &IssuedKey) {
    eprintln!("the key `{}` of `{}` holds until {}; it is not shown again", key.id, key.name, day(key.expires_at));
    say(secret);
}

fn line(key: &ApiKey, now: DateTime<Utc>) -> String {
    let state = match key {
        key if key.holds(now) => "in-use",
        key if key.revoked_at.is_some() => "revoked",
        _ => "expired",
    };
    let limit = key.rate_limit_per_minute.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    format!("{}  {state:<7}  {:<13}  {limit:>6}  {}  {}", key.id, key.role.as_str(), day(key.expires_at), key.name)
}

fn day(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
