//! What can be seen from outside: logs, and metrics by the names that dashboards and alarms know.

pub mod availability;
mod cloudwatch;
mod embedded;
pub mod logs;
pub mod metric;
mod prometheus;
pub mod resources;

pub use cloudwatch::{EmbeddedMetrics, install_embedded};
pub use embedded::count_embedded;
pub use prometheus::{InstallError, MetricsPage, install_prometheus};
