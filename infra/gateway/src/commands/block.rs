//! `a2a block`: blocked addresses, for whose own address is blocked, too.

use anyhow::{Result, ensure};
use chrono::SecondsFormat;
use engine::ports::{AuditKind, AuditOutcome, Clock, SystemClock};
use setup::Settings;

use super::say;
use crate::cli::BlockCommand;

/// Needs the database that servers use, not a server.
pub async fn run(command: BlockCommand) -> Result<()> {
    let ((blocks, audit), now) = (setup::blocks(&Settings::from_env()?).await?, SystemClock.now());
    match command {
        BlockCommand::List => {
            for offender in blocks.list(now).await? {
                let Some(block) = offender.block else { continue };
                say(format_args!("{}  until {}  {}", offender.address, block.until.to_rfc3339_opts(SecondsFormat::Secs, true), block.reason));
            }
        }
        BlockCommand::Lift { address } => {
            ensure!(blocks.lift(address, now).await?, "`{address}` isn't blocked");
            let event = edge::AuditEvent::new(AuditKind::Unblock, AuditOutcome::Done, "lifted");
            audit.record(edge::AuditEvent { subject: "cli".to_owned(), object: Some(address.to_string()), ..event });
            audit.drain().await;
            say(format_args!("lifted {address}"));
        }
    }
    Ok(())
}
