//! GetExtendedAgentCard (spec section 3.1.11): whether there is one and whether the caller may have it.

use protocol::A2aError;

use crate::{CallContext, Engine, Reply};

impl Engine {
    pub(crate) fn get_extended_agent_card(&self, context: &CallContext) -> Result<Reply, A2aError> {
        let agent = self.scope(context)?.agent;
        if !self.agents_of(agent.as_deref()).any(|profile| profile.extended_agent_card) {
            return Err(A2aError::UnsupportedOperation { reason: "this agent has no extended agent card".into() });
        }
        if !context.caller.is_authenticated() {
            return Err(A2aError::Unauthenticated { reason: "the extended agent card is for authenticated clients".into() });
        }
        Ok(Reply::ExtendedAgentCard { agent })
    }
}
