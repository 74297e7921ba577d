//! From the environment to everything wired up: the only crate that knows every backend and reads the environment.

mod aws;
mod backends;
mod corpus;
mod credential_keys;
pub mod deployment;
#[cfg(feature = "fault-points")]
mod fault_points;
mod file_database;
mod https;
mod kept_file;
pub mod lambda;
mod measured;
mod parts;
mod provider;
mod secrets;
pub mod settings;
mod signing_key;
mod wiring;

pub use corpus::Corpus;
pub use parts::Parts;
pub use secrets::secret_key;
pub use settings::Settings;
pub use wiring::{app, blocks, documents, keys, migrate};

/// What a function's `main` returns.
pub type Result<T = ()> = anyhow::Result<T>;
