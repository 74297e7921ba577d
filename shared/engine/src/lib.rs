//! What A2A means: tasks, their states, who runs them and who hears of it. Knows no protocol version and no HTTP.

mod answer;
mod caller;
mod commit;
mod credentials;
mod deliver_push;
mod draft;
mod engine;
mod finished;
mod follow;
mod media_types;
mod operations;
mod patience;
pub mod ports;
mod reply;
mod routing;
mod run_task;
pub mod state;
mod sweep;
mod turn;
mod work;

pub use caller::{CallContext, Caller, Role};
pub use credentials::CredentialKey;
pub use engine::{Engine, EngineSettings, Ports, TurnEnd, WebhookKey};
pub use reply::{Reply, StreamItem};
pub use sweep::SweepReport;
pub use work::WorkOutcome;
