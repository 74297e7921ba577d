//! How background work reaches workers: the backends of [`engine::ports::WorkQueue`].

pub mod rows;
pub mod sqs;

pub use rows::RowsWorkQueue;
pub use sqs::SqsWorkQueue;
