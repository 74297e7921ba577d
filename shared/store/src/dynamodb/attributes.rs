//! Attributes of items, from and to Rust's values.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::StoreError;
use serde::{Serialize, de::DeserializeOwned};

use super::keys::Item;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// What an item holds under a name.
pub(super) trait Attributes {
    /// A text that must be there.
    fn text(&self, name: &str) -> Result<&str, StoreError>;
    /// A text, if it is there.
    fn text_if_any(&self, name: &str) -> Option<&str>;
    /// A number that must be there.
    fn number<T: FromStr>(&self, name: &str) -> Result<T, StoreError>;
    /// A number, if it is there.
    fn number_if_any<T: FromStr>(&self, name: &str) -> Option<T>;
    /// Whether it is there and true.
    fn flag(&self, name: &str) -> bool;
}

impl Attributes for Item {
    fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.text_if_any(name).ok_or_else(|| damaged(self, name))
    }

    fn text_if_any(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    fn number<T: FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.number_if_any(name).ok_or_else(|| damaged(self, name))
    }

    fn number_if_any<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.as_n().ok()?.parse().ok()
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&AttributeValue::Bool(true))
    }
}

fn damaged(item: &Item, name: &str) -> StoreError {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    StoreError::Failed(format!("the item `{}` `{}` has no proper `{name}`", part("pk"), part("sk")).into())
}

/// As an attribute's text.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(failed)
}

/// An attribute's text as what it was.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(failed)
}

/// A bug or damage.
pub(super) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Failed(error.into())
}

/// What `#name` stands for in expressions: always the attribute `name`. Plain names would collide with DynamoDB's reserved words.
pub(super) fn names<'a>(expressions: impl IntoIterator<Item = &'a str>) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for expression in expressions {
        for after in expression.split('#').skip(1) {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            names.insert(format!("#{}", &after[..end]), after[..end].to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_from_expressions() {
        let names = names(["SET #version = :v, #due_at=:d", "attribute_exists(#pk)"]);
        assert_eq!(names.len(), 3);
        assert_eq!(names["#due_at"], "due_at");
    }
}
