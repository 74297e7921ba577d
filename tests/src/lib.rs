//! What test programs share; and the README's Rust, compiled as documentation tests.
#![allow(clippy::expect_used, reason = "what fails here fails a test")]

pub mod aws;
pub mod files;
pub mod servers;
pub mod tokens;

/// A client of HTTP for tests: it asks servers themselves, never a proxy.
pub fn http() -> reqwest::ClientBuilder {
    // Refused where it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
