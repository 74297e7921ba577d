//! What can be seen from outside: logs, and metrics by the names that dashboards and alarms know.

pub mod availability;
mod cloudwatch;
mod embedded;
mod held;
pub mod logs;
pub mod metric;
mod prometheus;
pub mod resources;

pub use cloudwatch::{EmbeddedMetrics, install_embedded};
pub use embedded::count_embedded;
pub use held::histogram;
pub use prometheus::{InstallError, MetricsPage, install_prometheus};
