//! What the engine does, over the SQLite backends, with scripted agents and a clock that stands still until it is moved.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should fail")]

mod cancel;
mod durability;
mod multi_turn;
mod push;
mod reads;
mod refusals;
mod retries;
mod send;
mod streams;
mod world;
