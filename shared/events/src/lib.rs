//! How signals about tasks reach who listens: the backends of [`engine::ports::EventBus`].

pub mod in_process;
pub mod redis;

pub use in_process::InProcessEventBus;
pub use redis::{RedisEventBus, RedisLink, RedisSettings, RedisUrlError};
