//! Reads variables one by one, and says what is wrong with one that can't be used.

use std::{collections::HashMap, ffi::OsString, fmt, ops::RangeInclusive, str::FromStr};

/// A variable that is set but wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} holds {holds}, but takes {takes}")]
pub struct SettingError {
    /// Of the variable.
    pub name: String,
    /// Its value, masked where it is a secret.
    pub holds: String,
    /// What would be right.
    pub takes: String,
}

/// The variables that are set and not empty.
pub(super) struct Vars(HashMap<String, String>);

impl Vars {
    pub(super) fn new<K: Into<OsString>, V: Into<OsString>>(vars: impl IntoIterator<Item = (K, V)>) -> Result<Self, SettingError> {
        let mut read = HashMap::new();
        for (name, value) in vars {
            let Ok(name) = name.into().into_string() else { continue };
            match value.into().into_string() {
                Ok(value) if value.trim().is_empty() => {}
                Ok(value) => {
                    read.insert(name, value.trim().to_owned());
                }
                Err(_) if name.starts_with("A2A_") => {
                    return Err(SettingError { name, holds: "bytes that are not UTF-8".into(), takes: "text".into() });
                }
                Err(_) => {}
            }
        }
        Ok(Vars(read))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A value that `read` makes something of; `takes` says what it would.
    pub(super) fn read<T>(&self, name: &str, takes: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, SettingError> {
        self.get(name).map(|value| read(value).ok_or_else(|| wrong(name, format!("`{value}`"), takes))).transpose()
    }

    /// Like [`Self::read`], and the value is never shown.
    pub(super) fn secret<T>(&self, name: &str, takes: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, SettingError> {
        self.get(name).map(|value| read(value).ok_or_else(|| wrong(name, masked(value), takes))).transpose()
    }

    /// A whole number in a range.
    pub(super) fn number<T>(&self, name: &str, range: RangeInclusive<T>, default: T) -> Result<T, SettingError>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let takes = format!("a whole number from {} to {}", range.start(), range.end());
        Ok(self.read(name, &takes, |value| value.parse().ok().filter(|number| range.contains(number)))?.unwrap_or(default))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)], default: T) -> Result<T, SettingError> {
        let takes = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        let read = |value: &str| words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        Ok(self.read(name, &takes, read)?.unwrap_or(default))
    }

    /// A URL with one of these schemes and something behind it. It may hold a password, so it is not shown.
    pub(super) fn url(&self, name: &str, schemes: &[&str]) -> Result<Option<String>, SettingError> {
        let Some(url) = self.get(name) else { return Ok(None) };
        let usable = url.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
        let takes = || schemes.iter().map(|scheme| format!("`{scheme}://…`")).collect::<Vec<_>>().join(" or ");
        if usable { Ok(Some(url.to_owned())) } else { Err(wrong(name, masked_url(url), takes())) }
    }

    /// On or off; off where it isn't set.
    pub(super) fn switch(&self, name: &str) -> Result<bool, SettingError> {
        self.word(name, &[("1", true), ("0", false), ("true", true), ("false", false), ("on", true), ("off", false)], false)
    }
}

pub(super) fn wrong(name: &str, holds: impl Into<String>, takes: impl Into<String>) -> SettingError {
    SettingError { name: name.into(), holds: holds.into(), takes: takes.into() }
}

/// URLs may hold passwords; of them only the scheme is told.
pub(super) fn masked_url(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') => format!("`{scheme}://***`"),
        _ => masked(url),
    }
}

/// How long a secret is, and nothing else of it.
pub(super) fn masked(secret: &str) -> String {
    format!("`***` ({} bytes)", secret.len())
}
