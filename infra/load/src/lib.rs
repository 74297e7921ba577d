//! `a2a load`: loads an A2A server of any version, as users or at a rate, and reports how it bears that.

mod answer;
mod arrivals;
mod bounds;
mod client;
mod generator;
mod options;
mod report;
mod results;
mod run;
mod saturate;
mod scenario;
mod schedule;
mod target;
mod users;

pub use options::LoadOptions;
pub use run::run;
