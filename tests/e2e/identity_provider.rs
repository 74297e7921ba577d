//! Access tokens of an identity provider, whose keys are fetched from it.

use serde_json::{Value, json};

use crate::harness::{IdentityProvider, Server, SigningKey, message};

const ISSUER: &str = "https://id.example/";

fn claims(change: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "aud": "agents", "sub": "ann", "exp": 4_000_000_000_u64});
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

fn trusting(provider: &IdentityProvider) -> Server {
    Server::with(&[
        ("A2A_AGENTS", "conformance"),
        ("A2A_AUTH", "required"),
        ("A2A_JWKS_URL", &provider.url),
        ("A2A_JWT_ISSUER", ISSUER),
        ("A2A_JWT_AUDIENCE", "agents"),
        // Here many wrong tokens come from one address.
        ("A2A_BLOCK_AFTER_FAILURES", "off"),
    ])
}

async fn status(server: &Server, bearer: &str) -> u16 {
    server.get("/tasks", &[("A2A-Version", "1.0"), ("Authorization", bearer)]).await.status
}

#[tokio::test]
async fn tokens_of_the_provider_are_taken_and_their_bearers_own_their_tasks() {
    let (rsa, ec) = (SigningKey::rsa("r"), SigningKey::ec("e"));
    let provider = IdentityProvider::showing(&[&rsa, &ec]).await;
    let server = trusting(&provider);
    assert_eq!(provider.asked(), 0, "nothing is fetched before it is needed");
    let (ann, bob) = (rsa.bearer(&claims(json!({}))), ec.bearer(&claims(json!({"sub": "bob", "role": "admin"}))));
    let (as_ann, as_bob) = ([("A2A-Version", "1.0"), ("Authorization", ann.as_str())], [("A2A-Version", "1.0"), ("Authorization", bob.as_str())]);
    let task = server.rpc(&as_ann, "SendMessage", message("tck-1", "x")).await["result"]["task"].clone();
    assert_eq!(server.rpc(&as_ann, "GetTask", json!({"id": task["id"]})).await["result"]["id"], task["id"]);
    assert_eq!(server.rpc(&as_bob, "GetTask", json!({"id": task["id"]})).await["error"]["code"], -32001);
    // Another signature of the same subject is the same owner.
    let again = ec.bearer(&claims(json!({})));
    assert_eq!(server.rpc(&[("A2A-Version", "1.0"), ("Authorization", again.as_str())], "ListTasks", json!({})).await["result"]["totalSize"], 1);
    assert_eq!(server.get("/admin/queues", &[("Authorization", &bob)]).await.status, 403, "no claim of another's makes an admin");

    let card = server.get("/.well-known/agent-card.json", &[("A2A-Version", "1.0")]).await.json();
    assert_eq!(card["securitySchemes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["bearer"], "{card}");
    assert_eq!(card["securitySchemes"]["bearer"]["httpAuthSecurityScheme"]["scheme"], "Bearer");
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let (rsa, stranger) = (SigningKey::rsa("r"), SigningKey::rsa_of_a_stranger("r"));
    let provider = IdentityProvider::showing(&[&rsa]).await;
    let server = trusting(&provider);
    assert_eq!(status(&server, &rsa.bearer(&claims(json!({})))).await, 200);
    let confused = SigningKey::secret("r", &rsa.public().to_string()).bearer(&claims(json!({})));
    for bad in [
        rsa.bearer(&claims(json!({"exp": 1_000_000_000}))),
        rsa.bearer(&claims(json!({"nbf": 3_999_999_999_u64}))),
        rsa.bearer(&claims(json!({"aud": "others"}))),
        rsa.bearer(&claims(json!({"iss": "https://other.example/"}))),
        rsa.bearer(&claims(json!({"padding": "x".repeat(6_500)}))),
        stranger.bearer(&claims(json!({}))),
        confused,
    ] {
        let answer = server.get("/tasks", &[("A2A-Version", "1.0"), ("Authorization", &bad)]).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer realm=\"a2a\""), "{bad}");
    }
    assert_eq!(provider.asked(), 1, "known keys are not fetched again");
}

#[tokio::test]
async fn a_new_key_is_found_and_unknown_ones_have_few_fetches() {
    let (old, new) = (SigningKey::ec("old"), SigningKey::ec("new"));
    let provider = IdentityProvider::showing(&[&old]).await;
    let server = trusting(&provider);
    assert_eq!(status(&server, &old.bearer(&claims(json!({})))).await, 200);
    assert_eq!(status(&server, &new.bearer(&claims(json!({})))).await, 401);
    provider.show(&[&old, &new]);
    assert_eq!(status(&server, &new.bearer(&claims(json!({})))).await, 200);
    let unknown = SigningKey::ec("unknown").bearer(&claims(json!({})));
    for _ in 0..20 {
        assert_eq!(status(&server, &unknown).await, 401);
    }
    // Six in a minute and process, and functions may be processes of their own; a slow run may see the next minute.
    assert!(provider.asked() <= 12, "{} fetches", provider.asked());
    assert_eq!(status(&server, &old.bearer(&claims(json!({})))).await, 200);
}
