//! Faults, each made on purpose against real processes, and an oracle that holds the server to every word that it said before.
//!
//! | what is done | where | what it would catch |
//! |---|---|---|
//! | a gateway is killed with SIGKILL at one exact step of a task's way | `kills` | told before stored, an outbox that forgets, a lease that nobody takes over |
//! | a gateway is killed or told to end at any moment under load | `load` | a drain that waits for others, calls that are cut |
//! | a function's process is killed while the gateway lives on | `processes` | work that dies with its worker |
//! | some messages of SQS fail, once, for a while or for good | `receipts` | what succeeded comes again, what can't succeed comes for ever |
//! | queued work is handed out again and again, in no order, as rows and as SQS messages | `duplicates` | work that isn't safe to run twice |
//! | the database is stopped (in two ways), slow, silent, or has too few connections | `database` | lost commits, hangs, errors without `Retry-After` |
//! | Redis is killed and started again empty under load | `redis` | signals that something depended on |
//! | Redis is killed while clients ask for more than they may | `limits` | an open door, a stop, records without end |
//! | the database or Redis is stopped, tasks are stuck, the queue fills | `health` | health that says all is well |
//!
//! Each test runs `A2A_TEST_REPETITIONS` times (1; `cargo xtask faults` 20). `harness::Oracle` says what is asserted after each of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod harness;

mod database;
mod duplicates;
mod health;
mod kills;
mod limits;
mod load;
mod processes;
mod receipts;
mod redis;
