//! What a deployment would cost, from what functions took here and what AWS asks.

pub mod bill;
pub mod measured;
pub mod prices;
