//! The three generations of the protocol that clients speak.

mod legacy_part;
pub(crate) mod v0_1;
pub(crate) mod v0_3;
pub(crate) mod v1_0;

use std::{fmt, str::FromStr};

pub use self::legacy_part::FileBytes;

use crate::{A2aError, types::StreamResponse};

/// A generation of the A2A protocol, as seen on the wire.
///
/// Below [`crate::Call`] this is an opaque label that is stored with a task or a webhook and handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Dialect {
    /// `tasks/send`, `type` parts, flat tasks.
    #[serde(rename = "0.1")]
    V0_1,
    /// `message/send`, `kind` discriminators, kebab-case states.
    #[serde(rename = "0.3")]
    V0_3,
    /// ProtoJSON names, PascalCase methods.
    #[default]
    #[serde(rename = "1.0")]
    V1_0,
}

impl Dialect {
    /// `Major.Minor`, as in the `A2A-Version` service parameter (spec section 3.6).
    pub const fn as_str(self) -> &'static str {
        match self {
            Dialect::V0_1 => "0.1",
            Dialect::V0_3 => "0.3",
            Dialect::V1_0 => "1.0",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "0.1" => Ok(Dialect::V0_1),
            "0.3" => Ok(Dialect::V0_3),
            "1.0" => Ok(Dialect::V1_0),
            other => Err(format!("`{other}` is not a version of A2A known here (0.1, 0.3, 1.0)")),
        }
    }
}

impl Dialect {
    /// The dialect that an `A2A-Version` asks for; `None` where it names none (spec section 3.6).
    ///
    /// Patch numbers don't count. Any version but 0.3 and 1.0 is refused, v0.1 among them: its clients send no version.
    pub(crate) fn requested(version: Option<&str>) -> Result<Option<Dialect>, A2aError> {
        let Some(version) = version.map(str::trim).filter(|version| !version.is_empty()) else {
            return Ok(None);
        };
        let mut numbers = version.splitn(3, '.');
        let patch_is_fine = |patch: Option<&str>| patch.is_none_or(|patch| patch.parse::<u32>().is_ok());
        match (numbers.next(), numbers.next()) {
            (Some("1"), Some("0")) if patch_is_fine(numbers.next()) => Ok(Some(Dialect::V1_0)),
            (Some("0"), Some("3")) if patch_is_fine(numbers.next()) => Ok(Some(Dialect::V0_3)),
            _ => Err(A2aError::VersionNotSupported { version: version.to_owned() }),
        }
    }
}

/// Which artifact of its task each one of a stream is: v0.1 tells them apart by place, later dialects by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct ArtifactOrder(Vec<String>);

impl ArtifactOrder {
    /// The place of the event's artifact, after noting what the event tells; 0 where it has none.
    pub(crate) fn index(&mut self, event: &StreamResponse) -> usize {
        match event {
            StreamResponse::Task(task) => {
                self.0 = task.artifacts.iter().flatten().map(|artifact| artifact.artifact_id.clone()).collect();
                0
            }
            StreamResponse::ArtifactUpdate(update) => {
                let id = &update.artifact.artifact_id;
                self.0.iter().position(|known| known == id).unwrap_or_else(|| {
                    self.0.push(id.clone());
                    self.0.len() - 1
                })
            }
            StreamResponse::Message(_) | StreamResponse::StatusUpdate(_) => 0,
        }
    }
}
