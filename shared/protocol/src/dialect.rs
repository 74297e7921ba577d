//! The three generations of the protocol that clients speak.

use std::{fmt, str::FromStr};

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
