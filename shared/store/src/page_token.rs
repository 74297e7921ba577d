//! Where a page of a list begins, as the token that a client brings back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use engine::ports::{Scope, StoreError, TaskFilter};
use sha2::{Digest, Sha256};

/// A task's place in a list, which the latest status opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Milliseconds since 1970.
    pub(crate) status_at: i64,
    /// The order of those with the same time: the greatest first.
    pub(crate) number: i64,
}

impl Place {
    /// After which place the page begins; a token that isn't of this list is refused.
    pub(crate) fn before_page(scope: &Scope, filter: &TaskFilter) -> Result<Option<Place>, StoreError> {
        filter.page_token.as_deref().map(|token| Place::of_token(token, scope, filter)).transpose()
    }

    /// The place and a check of the list that it is a place of.
    pub(crate) fn token(self, scope: &Scope, filter: &TaskFilter) -> String {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.status_at.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_be_bytes());
        let check = check_of(&bytes[..16], scope, filter);
        bytes[16..].copy_from_slice(&check);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn of_token(token: &str, scope: &Scope, filter: &TaskFilter) -> Result<Place, StoreError> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(StoreError::BadPageToken)?;
        if bytes[16..] != check_of(&bytes[..16], scope, filter) {
            return Err(StoreError::BadPageToken);
        }
        let number = |range: std::ops::Range<usize>| bytes[range].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
        Ok(Place { status_at: number(0..8), number: number(8..16) })
    }
}

fn check_of(place: &[u8], scope: &Scope, filter: &TaskFilter) -> [u8; 8] {
    let since = filter.status_timestamp_after.map(|time| time.timestamp_nanos_opt());
    let list = format!("{:?} {:?} {:?} {:?} {since:?}", scope.owner, scope.agent, filter.context_id, filter.state);
    let digest = Sha256::new().chain_update(place).chain_update(list).finalize();
    let mut check = [0; 8];
    check.copy_from_slice(&digest[..8]);
    check
}
