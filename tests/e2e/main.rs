//! The end-to-end suite: speaks HTTP to a server that it starts for each test, or to the one at `A2A_TEST_URL`.
//!
//! Tests that need settings of their own, or that kill the server, always start the built `a2a` binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod harness;

mod analysis;
mod api_keys;
mod audit;
mod auth;
mod bad_input;
mod blocks;
mod cancel;
mod cards;
mod commands;
mod conformance_agent;
mod deadlines;
mod dialects;
mod durability;
mod health;
mod identity_provider;
mod ingestion;
mod legacy_clients;
mod limits;
mod lists;
mod load;
mod load_command;
mod metrics;
mod multi_turn;
mod observability;
mod official_clients;
mod push_notifications;
mod readme;
mod requests;
mod rest;
mod retries;
mod routing;
mod search;
mod specification;
mod streams;
mod subscriptions;
mod synthesis;
mod threats;
mod two_gateways;
mod two_owners;
