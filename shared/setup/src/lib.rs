//! From the environment to everything wired up: the only crate that knows every backend and reads the environment.

pub mod lambda;
mod settings;
mod wiring;

pub use settings::Settings;
pub use wiring::app;

/// What a function's `main` returns.
pub type Result<T = ()> = anyhow::Result<T>;
