//! How an address that is blocked, or may become so, is written.

use engine::ports::{Offender, StoreError};

use crate::values::milliseconds;

pub(crate) fn written(offender: &Offender) -> Result<String, StoreError> {
    serde_json::to_string(offender).map_err(|error| StoreError::Failed(error.into()))
}

pub(crate) fn read(known: &str) -> Result<Offender, StoreError> {
    serde_json::from_str(known).map_err(|error| StoreError::Failed(error.into()))
}

/// When its latest block ends or ended, in milliseconds since 1970; 0 where there was none.
pub(crate) fn blocked_until(offender: &Offender) -> i64 {
    offender.block.as_ref().map_or(0, |block| milliseconds(block.until))
}

pub(crate) fn latest_first(mut offenders: Vec<Offender>) -> Result<Vec<Offender>, StoreError> {
    offenders.sort_by(|a, b| (b.block.as_ref().map(|block| block.since), &a.address).cmp(&(a.block.as_ref().map(|block| block.since), &b.address)));
    Ok(offenders)
}
