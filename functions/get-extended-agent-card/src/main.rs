//! Trigger: API Gateway, `GET /extendedAgentCard` and `POST /rpc/GetExtendedAgentCard`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::CALLERS_CARDS, get_extended_agent_card_function::handle)
}
