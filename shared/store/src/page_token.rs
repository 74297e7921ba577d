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

    /// The token of the page after it.
    pub(crate) fn token(self, scope: &Scope, filter: &TaskFilter) -> String {
        let mut place = [0; 16];
        place[..8].copy_from_slice(&self.status_at.to_be_bytes());
        place[8..].copy_from_slice(&self.number.to_be_bytes());
        seal(&place, scope, filter)
    }

    fn of_token(token: &str, scope: &Scope, filter: &TaskFilter) -> Result<Place, StoreError> {
        let place: [u8; 16] = open(token, scope, filter)?.try_into().map_err(|_| StoreError::BadPageToken)?;
        let number = |range: std::ops::Range<usize>| place[range].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
        Ok(Place { status_at: number(0..8), number: number(8..16) })
    }
}

/// Makes a token of a place and a check of the list that it is a place of.
pub(crate) fn seal(place: &[u8], scope: &Scope, filter: &TaskFilter) -> String {
    URL_SAFE_NO_PAD.encode([place, &check_of(place, scope, filter)].concat())
}

/// The place in a token; one that isn't of this list is refused.
pub(crate) fn open(token: &str, scope: &Scope, filter: &TaskFilter) -> Result<Vec<u8>, StoreError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| StoreError::BadPageToken)?;
    let (place, check) = bytes.split_last_chunk::<8>().ok_or(StoreError::BadPageToken)?;
    if *check == check_of(place, scope, filter) { Ok(place.to_vec()) } else { Err(StoreError::BadPageToken) }
}

fn check_of(place: &[u8], scope: &Scope, filter: &TaskFilter) -> [u8; 8] {
    let since = filter.status_timestamp_after.map(|time| time.timestamp_nanos_opt());
    let list = format!("{:?} {:?} {:?} {:?} {since:?}", scope.owner, scope.agent, filter.context_id, filter.state);
    let digest = Sha256::new().chain_update(place).chain_update(list).finalize();
    let mut check = [0; 8];
    check.copy_from_slice(&digest[..8]);
    check
}
