//! How background work reaches workers: the backends of [`engine::ports::WorkQueue`].

pub mod rows;

pub use rows::RowsWorkQueue;
