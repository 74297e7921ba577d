//! What test programs share; and the README's Rust, compiled as documentation tests.
#![allow(clippy::expect_used, reason = "what fails here fails a test")]

pub mod aws;
pub mod files;
pub mod servers;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
