//! What can be seen from outside: logs, and metrics by the names that dashboards and alarms know.

pub mod logs;
pub mod metric;
mod prometheus;

pub use prometheus::{InstallError, MetricsPage, install_prometheus};
