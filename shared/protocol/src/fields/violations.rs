//! What is wrong with a request, and where.

use std::{cell::RefCell, fmt};

use crate::{A2aError, FieldViolation};

/// Where a value stands in the request. Written out only when something is wrong there.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Violations(RefCell<Vec<FieldViolation>>);

impl Violations {
    pub(super) fn add(&self, path: Path<'_>, description: impl Into<String>) {
        self.0.borrow_mut().push(FieldViolation { field: path.to_string(), description: description.into() });
    }

    /// The value that was read, unless anything was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, A2aError> {
        let violations = self.0.into_inner();
        if violations.is_empty() { Ok(value) } else { Err(A2aError::InvalidParams { violations }) }
    }
}
