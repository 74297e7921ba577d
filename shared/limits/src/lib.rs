//! How often who may ask, counted for all processes together: the backends of [`guard::SharedQuotas`].

mod redis;

pub use redis::RedisQuotas;
