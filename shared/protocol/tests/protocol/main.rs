//! The protocol from outside: bytes in, calls out; answers in, text out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cards;
mod envelope;
mod errors;
mod properties;
mod rest;
mod samples;
mod service_parameters;
mod v0_1;
mod v0_3;
mod v1_0;
mod validation;
