//! What can be seen from outside: logs, and metrics by the names that dashboards and alarms know.

mod cloudwatch;
pub mod logs;
pub mod metric;
mod prometheus;

pub use cloudwatch::{EmbeddedMetrics, install_embedded};
pub use prometheus::{InstallError, MetricsPage, install_prometheus};
