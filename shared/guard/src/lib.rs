//! Who may do what: credentials become a caller, and one table says which role each method and route needs.

mod access;
mod guard;
mod secret;
mod token;

pub use access::{Access, minimal_role};
pub use guard::{Authentication, Guard, GuardSettings};
pub use secret::derived_key;
pub use token::{TokenError, TokenKey, issue_token};
