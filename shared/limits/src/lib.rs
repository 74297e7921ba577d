//! How often who may ask, counted for all processes together: the backends of [`guard::SharedQuotas`] and [`guard::SharedBlocks`].

mod redis;

pub use redis::RedisQuotas;
