//! One state change of a task as one transaction, and what is to be said when it is refused.

use std::sync::Arc;

use engine::ports::{Change, Committed, Expect, StoreError};

use super::{
    blobs,
    database::DynamoDbDatabase,
    keys,
    known::Known,
    places, read,
    remembered::{self, Found, Stale},
    transaction::Transacted,
};
use changed::Changed;

mod changed;
mod children;
mod row;

/// How often a change is made again because what it was made from had changed, though not its version.
const TRIES: u32 = 5;

/// As the port's `commit`: one request, or a read and a request where the task isn't known here.
pub(super) async fn commit(database: &DynamoDbDatabase, change: &Change) -> Result<Committed, StoreError> {
    let mut before = match &change.expect {
        Expect::New(_) => None,
        Expect::Version(version) => match database.known().at_version(&change.task_id, *version) {
            Some(known) => Some(known),
            None => match read::known(database, &change.task_id).await? {
                Some(known) if known.version == *version => Some(known),
                // A retry of what this very message did finds a newer version, and must hear of its task instead.
                Some(known) => return Ok(duplicate(database, change, &known.owner).await?.0.unwrap_or(Committed::Conflict)),
                None => return Ok(Committed::Conflict),
            },
        },
    };
    let mut stale = None;
    for _ in 0..TRIES {
        match attempt(database, change, before.as_deref(), stale.as_ref()).await? {
            Attempt::Done => return Ok(Committed::Done),
            Attempt::Refused { owner, row } => {
                let (found, now_stale) = duplicate(database, change, &owner).await?;
                if let Some(duplicate) = found {
                    return Ok(duplicate);
                }
                stale = now_stale;
                if row {
                    // What was known may be of an earlier task of the same id.
                    before = match &change.expect {
                        Expect::Version(version) => read::known(database, &change.task_id).await?.filter(|known| known.version == *version),
                        Expect::New(_) => None,
                    };
                    if before.is_none() {
                        return Ok(Committed::Conflict);
                    }
                }
            }
        }
    }
    Err(StoreError::Unavailable(format!("task `{}` was changed again and again beside a commit", change.task_id).into()))
}

enum Attempt {
    Done,
    /// Nothing was written. `row`: the task isn't as expected.
    Refused {
        owner: String,
        row: bool,
    },
}

async fn attempt(database: &DynamoDbDatabase, change: &Change, before: Option<&Known>, stale: Option<&Stale>) -> Result<Attempt, StoreError> {
    let Changed { writes, mut texts, after, stale_artifacts } = Changed::new(change, before, stale)?;
    texts.upload(database, crate::values::milliseconds(change.now)).await?;
    let pk = keys::task(&change.task_id);
    let transacted = database.transact(writes).await;
    match transacted {
        Ok(Transacted::Done) => {
            tidy(database, &pk, before, &after, &stale_artifacts).await;
            if places::is_terminal(after.state) {
                database.known().forget(&change.task_id);
            } else {
                database.known().keep(&change.task_id, Arc::new(after));
            }
            Ok(Attempt::Done)
        }
        Ok(Transacted::Refused(which)) => {
            database.known().forget(&change.task_id);
            if let Some(set) = texts.set()
                && let Err(error) = blobs::delete_set(database, &pk, set).await
            {
                tracing::warn!(task_id = change.task_id, %error, "pieces of a refused commit stay until retention finds them");
            }
            Ok(Attempt::Refused { owner: after.owner, row: which.contains(&0) })
        }
        // The answer may have been lost: what it named may be in use.
        Err(error) => {
            database.known().forget(&change.task_id);
            Err(error)
        }
    }
}

/// Deletes what the change put something else in place of. What stays is skipped by readers and deleted with the task.
async fn tidy(database: &DynamoDbDatabase, pk: &str, before: Option<&Known>, after: &Known, stale_artifacts: &[(u32, u32)]) {
    let unused = before.into_iter().flat_map(|before| &before.blobs).filter(|(name, place)| after.blobs.get(*name) != Some(*place));
    for (_, place) in unused {
        if let Err(error) = blobs::delete(database, pk, place).await {
            tracing::warn!(pk, %error, "replaced texts stay until their task is deleted");
        }
    }
    for (number, generation) in stale_artifacts {
        if let Err(error) = read::delete_artifact(database, pk, *number, *generation).await {
            tracing::warn!(pk, %error, "a replaced artifact stays until its task is deleted");
        }
    }
}

/// What to answer if the client's message was taken in before; and what it leaves in the way if that counts no more.
async fn duplicate(database: &DynamoDbDatabase, change: &Change, owner: &str) -> Result<(Option<Committed>, Option<Stale>), StoreError> {
    let Some(message) = &change.remember else { return Ok((None, None)) };
    Ok(match remembered::find(database, owner, message).await? {
        Found::Task(task_id) => (Some(Committed::DuplicateMessage { task_id }), None),
        Found::Stale(stale) => (None, Some(stale)),
        Found::Nothing => (None, None),
    })
}
