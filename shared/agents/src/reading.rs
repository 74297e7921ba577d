//! Turns files and parts of messages into documents that can be searched.

pub mod html;
pub mod json_lines;
pub mod markdown;
pub mod media;
pub mod passages;
pub mod paths;
pub mod pdf;
pub mod terms;

pub use media::{Format, Source, Unreadable, read};
pub use passages::{RawDocument, analysed};
pub use paths::{EXTENSIONS, Skipped, read_path};
