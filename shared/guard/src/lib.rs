//! Who may do what: credentials become a caller, and one table says which role each method and route needs.

mod access;
mod address;
mod blocks;
mod cryptography;
mod guard;
mod key_ring;
mod key_set;
mod keys;
mod limits;
mod provider;
mod reach;
mod secret;
pub mod threats;
mod token;

pub use access::{Access, minimal_role};
pub use address::{Address, NoAddress};
pub use blocks::{
    BLOCKS_BELIEVED_FOR, BLOCKS_COUNT_FOR, Blocks, DEFAULT_FAILURES, FAILURES_COUNT_FOR, FIRST_BLOCK, Failed, LONGEST_BLOCK, MAX_BLOCK_MINUTES,
    SharedBlocks,
};
pub use cryptography::use_ring;
pub use guard::{Authentication, Guard, GuardSettings, Identity, MAX_CREDENTIAL_BYTES, shows_credentials};
pub use key_ring::{DEFAULT_KEY_DAYS, IssuedKey, KEY_BELIEVED_FOR, KEY_CHARACTERS, KEY_PREFIX, KeyError, KeyRing, MAX_KEY_DAYS, MAX_KEYS, NewKey};
pub use key_set::KeySetSource;
pub use keys::{BootstrapKeys, KeptKeys, KeysAway};
pub use limits::{Client, LimitSettings, Limits, LocalQuotas, MAX_RATE, QuotasAway, Rate, SharedQuotas, Standing, Taken};
pub use provider::IdentityProvider;
pub use reach::Turn;
pub use secret::derived_key;
pub use token::{TokenError, TokenKey, issue_token};
