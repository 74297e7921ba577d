//! Reads JSON objects field by field as ProtoJSON allows, and gathers everything that is wrong with them.

mod scalars;
mod violations;

use std::{borrow::Cow, collections::HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub(crate) use self::scalars::Choice;
use self::{
    scalars::{base64, kind_of, shown, snake_case, whole},
    violations::{Path, Violations},
};
use crate::A2aError;

/// A free-form object; its keys are the client's own and stay as they are.
pub(crate) type Struct = HashMap<String, Value>;

/// Reads `params` whole: what `read` returns counts only if it found nothing wrong.
pub(crate) fn read<T>(params: Map<String, Value>, read: impl FnOnce(&mut Object<'_>) -> T) -> Result<T, A2aError> {
    let violations = Violations::default();
    let value = read(&mut Object::new(params, Path::Root, &violations));
    violations.finish(value)
}

/// A JSON object under reading. Each field is taken out once, by its camelCase name; its snake_case name counts as well,
/// `null` counts as absent, and what nobody takes is ignored (spec sections 5.5 and 5.7).
pub(crate) struct Object<'p> {
    map: Map<String, Value>,
    path: Path<'p>,
    violations: &'p Violations,
    /// Whether any key has an underscore: otherwise no snake_case name needs to be tried.
    snake: bool,
}

impl<'p> Object<'p> {
    fn new(map: Map<String, Value>, path: Path<'p>, violations: &'p Violations) -> Self {
        let snake = map.keys().any(|key| key.contains('_'));
        Object { map, path, violations, snake }
    }

    fn take(&mut self, name: &'static str) -> Option<(Cow<'static, str>, Value)> {
        if let Some(value) = self.map.remove(name)
            && !value.is_null()
        {
            return Some((Cow::Borrowed(name), value));
        }
        if !self.snake {
            return None;
        }
        let snake = snake_case(name);
        let value = self.map.remove(&snake).filter(|value| !value.is_null())?;
        Some((Cow::Owned(snake), value))
    }

    /// Whether the field is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        let there = |name: &str| self.map.get(name).is_some_and(|value| !value.is_null());
        there(name) || (self.snake && there(&snake_case(name)))
    }

    /// Whether the field is there, null or not.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// The first of two names for one thing that is there; the first where neither is.
    pub(crate) fn either(&self, name: &'static str, other: &'static str) -> &'static str {
        if !self.has(name) && self.has(other) { other } else { name }
    }

    /// Something is wrong with a field.
    pub(crate) fn wrong(&self, name: &str, description: impl Into<String>) {
        self.violations.add(Path::Field(&self.path, name), description);
    }

    /// Something is wrong with this object as a whole.
    pub(crate) fn wrong_here(&self, description: impl Into<String>) {
        self.violations.add(self.path, description);
    }

    /// A string, perhaps empty.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            (_, Value::String(text)) => Some(text),
            (name, other) => {
                self.wrong(&name, format!("must be a string, not {}", kind_of(&other)));
                None
            }
        }
    }

    /// A string; an empty one counts as absent.
    pub(crate) fn string(&mut self, name: &'static str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A string that must be there and not be empty.
    pub(crate) fn required(&mut self, name: &'static str) -> String {
        match self.take(name) {
            Some((_, Value::String(text))) if !text.is_empty() => return text,
            Some((name, Value::String(_))) => self.wrong(&name, "must not be empty"),
            Some((name, other)) => self.wrong(&name, format!("must be a string, not {}", kind_of(&other))),
            None => self.wrong(name, "is required"),
        }
        String::new()
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            (_, Value::Bool(value)) => Some(value),
            (name, other) => {
                self.wrong(&name, format!("must be true or false, not {}", kind_of(&other)));
                None
            }
        }
    }

    /// A 32-bit integer within limits; ProtoJSON takes `3`, `3.0` and `"3"` for three.
    pub(crate) fn integer(&mut self, name: &'static str, least: i32, most: i32) -> Option<i32> {
        let (name, value) = self.take(name)?;
        let number = match &value {
            Value::Number(number) => whole(number),
            Value::String(text) => text.parse::<serde_json::Number>().ok().and_then(|number| whole(&number)),
            _ => None,
        };
        let Some(number) = number else {
            self.wrong(&name, format!("must be an integer, got {}", shown(&value)));
            return None;
        };
        match i32::try_from(number) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ if most == i32::MAX && number < i64::from(least) => {
                self.wrong(&name, format!("must be at least {least}, got {number}"));
                None
            }
            _ => {
                self.wrong(&name, format!("must be between {least} and {most}, got {number}"));
                None
            }
        }
    }

    /// A free-form object; an empty one counts as absent.
    pub(crate) fn structure(&mut self, name: &'static str) -> Option<Struct> {
        match self.take(name)? {
            (_, Value::Object(map)) if map.is_empty() => None,
            (_, Value::Object(map)) => Some(map.into_iter().collect()),
            (name, other) => {
                self.wrong(&name, format!("must be an object, not {}", kind_of(&other)));
                None
            }
        }
    }

    /// Any JSON value, `null` included.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<Value> {
        self.map.remove(name)
    }

    /// A list of strings; an empty one counts as absent.
    pub(crate) fn strings(&mut self, name: &'static str) -> Option<Vec<String>> {
        let (name, value) = self.take(name)?;
        let Value::Array(items) = value else {
            self.wrong(&name, format!("must be a list of strings, not {}", kind_of(&value)));
            return None;
        };
        let list = Path::Field(&self.path, &name);
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                other => self.violations.add(Path::Item(&list, index), format!("must be a string, not {}", kind_of(&other))),
            }
        }
        Some(texts).filter(|texts| !texts.is_empty())
    }

    /// A nested message.
    pub(crate) fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Object<'_>) -> T) -> Option<T> {
        match self.take(name)? {
            (name, Value::Object(map)) => Some(read(&mut Object::new(map, Path::Field(&self.path, &name), self.violations))),
            (name, other) => {
                self.wrong(&name, format!("must be an object, not {}", kind_of(&other)));
                None
            }
        }
    }

    /// A nested message that must be there.
    pub(crate) fn required_object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Object<'_>) -> T) -> Option<T> {
        if !self.has(name) {
            self.wrong(name, "is required");
            return None;
        }
        self.object(name, read)
    }

    /// A list of nested messages that must have at least one.
    pub(crate) fn required_objects<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Object<'_>) -> T) -> Vec<T> {
        let Some((name, value)) = self.take(name) else {
            self.wrong(name, "is required: at least one");
            return Vec::new();
        };
        let Value::Array(items) = value else {
            self.wrong(&name, format!("must be a list, not {}", kind_of(&value)));
            return Vec::new();
        };
        if items.is_empty() {
            self.wrong(&name, "must not be empty: at least one is required");
        }
        let list = Path::Field(&self.path, &name);
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let path = Path::Item(&list, index);
            match item {
                Value::Object(map) => values.push(read(&mut Object::new(map, path, self.violations))),
                other => self.violations.add(path, format!("must be an object, not {}", kind_of(&other))),
            }
        }
        values
    }

    /// Bytes in base64, standard or URL-safe, padded or not.
    pub(crate) fn bytes(&mut self, name: &'static str) -> Option<Vec<u8>> {
        let written = self.take(name)?;
        let (name, Value::String(text)) = written else {
            self.wrong(&written.0, format!("must be base64 text, not {}", kind_of(&written.1)));
            return None;
        };
        base64(&text).map_err(|error| self.wrong(&name, format!("must be base64: {error}"))).ok()
    }

    /// A point in time with any offset (RFC 3339).
    pub(crate) fn timestamp(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let (name, value) = self.take(name)?;
        let time = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        if time.is_none() {
            self.wrong(&name, format!("must be a timestamp such as 2025-10-28T10:30:00.000Z, got {}", shown(&value)));
        }
        time.map(|time| time.to_utc())
    }

    /// One of a closed set, by name or by number; `expected` says which.
    pub(crate) fn choice<T>(&mut self, name: &'static str, parse: impl FnOnce(Choice<'_>) -> Option<T>, expected: &str) -> Option<T> {
        let (name, value) = self.take(name)?;
        let choice = match &value {
            // In a query a number is text, too.
            Value::String(text) => parse(text.parse().map_or(Choice::Name(text), Choice::Number)),
            Value::Number(number) => number.as_i64().and_then(|number| parse(Choice::Number(number))),
            _ => None,
        };
        if choice.is_none() {
            self.wrong(&name, format!("must be one of {expected}; got {}", shown(&value)));
        }
        choice
    }
}
