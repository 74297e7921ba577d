//! Trigger: API Gateway, `GET /.well-known/{agent-card.json,agent.json,jwks.json}`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::CARDS, agent_card_function::handle)
}
