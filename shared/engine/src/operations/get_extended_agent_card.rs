//! GetExtendedAgentCard (spec section 3.1.11): whether there is one and whether the caller may have it.

use protocol::A2aError;

use crate::{CallContext, Engine, Reply};

impl Engine {
    /// Whether any agent in reach declares an extended card (spec section 3.3.4); asked before who may have it, because what
    /// isn't there is nobody's.
    pub fn require_extended_agent_card(&self, context: &CallContext) -> Result<(), A2aError> {
        let agent = self.scope(context)?.agent;
        let declared = self.agents_of(agent.as_deref()).any(|profile| profile.extended_agent_card);
        if declared { Ok(()) } else { Err(A2aError::UnsupportedOperation { reason: "this agent has no extended agent card".into() }) }
    }

    pub(crate) fn get_extended_agent_card(&self, context: &CallContext) -> Result<Reply, A2aError> {
        self.require_extended_agent_card(context)?;
        if !context.caller.is_authenticated() {
            return Err(A2aError::Unauthenticated { reason: "the extended agent card is for authenticated clients".into() });
        }
        Ok(Reply::ExtendedAgentCard { agent: self.scope(context)?.agent })
    }
}
