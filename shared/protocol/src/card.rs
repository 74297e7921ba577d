//! Agent cards in the form of each generation, and what is signed of them. The v1.0 card is the one that all others are made of.

mod canonical;
mod legacy;
mod security;

use serde_json::Value;

pub use canonical::signing_payloads;
pub(crate) use canonical::v1_0;
pub(crate) use legacy::{v0_1, v0_3, v0_3_by_rest};

use crate::types::AgentCard;

/// A form of the agent card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardForm {
    /// Exactly the fields of v1.0.
    V1_0,
    /// Exactly the fields of v0.3.
    V0_3,
    /// For `agent.json`, which v0.1 and v0.2 clients read.
    V0_1,
    /// v1.0 with the v0.3 fields beside: for a client that doesn't say what it reads.
    Hybrid,
}

/// The card in a form.
///
/// Only the forms that have all of v1.0 carry its signatures; the v0.3 fields of a hybrid are not signed.
pub fn render(card: &AgentCard, form: CardForm) -> Value {
    match form {
        CardForm::V1_0 => v1_0(card),
        CardForm::V0_3 => v0_3(card),
        CardForm::V0_1 => v0_1(card),
        CardForm::Hybrid => legacy::hybrid(card),
    }
}
