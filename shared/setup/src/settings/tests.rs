//! Settings: what they are by default, and that each wrong one is named with what it holds and what it takes.

use std::{path::Path, time::Duration};

use edge::DefaultCard;
use guard::{Authentication, LimitSettings, Rate};
use protocol::Method;

use super::*;

fn settings(vars: &[(&str, &str)]) -> Result<Settings, String> {
    Settings::from_vars(vars.iter().copied()).map_err(|error| error.to_string())
}

#[test]
fn nothing_set_gives_the_defaults_of_a_laptop() {
    let settings = settings(&[]).unwrap();
    assert_eq!(settings.storage.database, DatabaseUrl::Sqlite(Path::new(".a2a/a2a.db").into()));
    assert_eq!(settings.storage.task_retention, Duration::from_secs(30 * 86_400));
    assert_eq!(settings.storage.audit_retention, Duration::from_secs(90 * 86_400));
    assert!(!settings.serving.require_https);
    assert_eq!(settings.security.authentication, Authentication::Optional);
    assert!(settings.security.secret_key.is_none() && !settings.security.push_allow_loopback);
    assert_eq!(settings.serving.agents, ["research", "analysis"]);
    assert_eq!(settings.serving.default_card, DefaultCard::Hybrid);
    assert_eq!(settings.serving.request_timeout, Duration::from_secs(60));
    assert_eq!(settings.serving.surroundings, Surroundings::Server);
    assert_eq!((settings.logging.format, settings.logging.filter.as_str()), (None, "info"));
}

#[test]
fn each_variable_is_read() {
    let settings = settings(&[
        ("A2A_DATABASE_URL", "sqlite:///var/lib/a2a.db"),
        ("A2A_TASK_RETENTION_DAYS", "7"),
        ("A2A_AUDIT_RETENTION_DAYS", "14"),
        ("A2A_REQUIRE_HTTPS", "1"),
        ("A2A_AUTH", "required"),
        ("A2A_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("A2A_ADMIN_API_KEY", "admin-key-1"),
        ("A2A_SYSTEM_API_KEY", "system-key-1"),
        ("A2A_AGENTS", "conformance, echo"),
        ("A2A_CONFORMANCE_MINIMAL", "1"),
        ("A2A_CARD", "v0.3"),
        ("A2A_PUBLIC_URL", "https://agents.example.com/a2a/"),
        ("A2A_BASE_PATH", "/a2a/"),
        ("A2A_CORS_ORIGINS", "https://example.com, http://localhost:3000"),
        ("A2A_REQUEST_TIMEOUT_SECONDS", "25"),
        ("A2A_LOG_FORMAT", "text"),
        ("A2A_LOG_DIR", "/var/log/a2a"),
        ("A2A_OTLP_URL", "http://127.0.0.1:4318"),
        ("A2A_LOG_MAX_MB", "7"),
        ("A2A_METRICS_NAMESPACE", "a2a/production"),
        ("AWS_LAMBDA_FUNCTION_NAME", "front-door"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ])
    .unwrap();
    assert_eq!(settings.storage.database, DatabaseUrl::Sqlite(Path::new("/var/lib/a2a.db").into()));
    assert_eq!(settings.storage.task_retention, Duration::from_secs(7 * 86_400));
    assert_eq!(settings.storage.audit_retention, Duration::from_secs(14 * 86_400));
    assert!(settings.serving.require_https);
    assert_eq!(settings.security.authentication, Authentication::Required);
    assert_eq!(settings.serving.agents, ["conformance", "echo"]);
    assert!(settings.serving.conformance_minimal);
    assert_eq!(settings.serving.default_card, DefaultCard::V0_3);
    assert_eq!(settings.serving.public_url.as_deref(), Some("https://agents.example.com/a2a"));
    assert_eq!(settings.serving.base_path.as_deref(), Some("/a2a"));
    assert_eq!(settings.serving.cors_origins, ["https://example.com", "http://localhost:3000"]);
    assert_eq!(settings.serving.request_timeout, Duration::from_secs(25));
    assert_eq!(settings.serving.surroundings, Surroundings::Lambda);
    assert_eq!((settings.serving.function.as_deref(), settings.serving.memory_bytes), (Some("front-door"), Some(512 << 20)));
    assert_eq!((settings.logging.format, settings.logging.metrics_namespace.as_str()), (Some(LogFormat::Text), "a2a/production"));
    assert!(settings.logging.blocking);
    assert_eq!((settings.logging.max_file_bytes, settings.serving.otlp_url.as_deref()), (7 << 20, Some("http://127.0.0.1:4318")));
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    assert!(settings(&[("A2A_PUBLIC_URL", ""), ("A2A_REDIS_URL", " "), ("A2A_SECRET_KEY", "")]).is_ok());
}

#[test]
fn a_wrong_variable_is_named_with_what_it_holds_and_what_it_takes() {
    for (name, value, shown) in [
        ("A2A_DATABASE_URL", "sqlite://", "`sqlite://`"),
        ("A2A_DATABASE_URL", "a2a.db", "no URL"),
        ("A2A_DATABASE_URL", "dynamodb://a/b", "`dynamodb://a/b`"),
        ("A2A_DB_MAX_CONNECTIONS", "0", "`0`"),
        ("A2A_REDIS_URL", "memcached://cache", "`memcached://***`"),
        ("A2A_QUEUE_URL", "sqs://queue", "`sqs://***`"),
        ("A2A_PUSH_QUEUE_URL", "https://sqs.example.com/1/push", "`https://***`"),
        ("A2A_TASK_RETENTION_DAYS", "0", "`0`"),
        ("A2A_TASK_RETENTION_DAYS", "soon", "`soon`"),
        ("A2A_AUDIT_RETENTION_DAYS", "36501", "`36501`"),
        ("A2A_AUTH", "maybe", "`maybe`"),
        ("A2A_AGENTS", "echo,echo", "`echo,echo`"),
        ("A2A_AGENTS", ",", "`,`"),
        ("A2A_CARD", "v2", "`v2`"),
        ("A2A_CONFORMANCE_MINIMAL", "yes please", "`yes please`"),
        ("A2A_PUBLIC_URL", "example.com", "`example.com`"),
        ("A2A_PUBLIC_URL", "ftp://example.com", "`ftp://example.com`"),
        ("A2A_PUBLIC_URL", "https://example.com/a?b", "`https://example.com/a?b`"),
        ("A2A_BASE_PATH", "a2a", "`a2a`"),
        ("A2A_BASE_PATH", "/a//b", "`/a//b`"),
        ("A2A_CORS_ORIGINS", "*", "`*`"),
        ("A2A_CORS_ORIGINS", "https://example.com/page", "`https://example.com/page`"),
        ("A2A_REQUEST_TIMEOUT_SECONDS", "901", "`901`"),
        ("A2A_LOG_FORMAT", "xml", "`xml`"),
        ("A2A_LOG_MAX_MB", "0", "`0`"),
        ("A2A_OTLP_URL", "collector:4318", "`***` (14 bytes)"),
        ("A2A_METRICS_NAMESPACE", "a name", "`a name`"),
    ] {
        let error = settings(&[(name, value)]).expect_err(name);
        assert!(error.starts_with(&format!("{name} holds {shown}, but takes ")), "{error}");
        assert!(!error.contains('\n'));
    }
}

#[test]
fn a_secret_that_is_wrong_is_not_shown() {
    for (name, value) in [
        ("A2A_SECRET_KEY", "hunter2"),
        ("A2A_CREDENTIALS_KEY", "hunter2"),
        ("A2A_CREDENTIALS_KEY", "0123456789abcdef0123456789abcdef,hunter2"),
        ("A2A_ADMIN_API_KEY", "hunter2"),
        ("A2A_SYSTEM_API_KEY", "hunter2 hunter2"),
        ("A2A_DATABASE_URL", "mysql://ann:hunter2@db/a2a"),
        ("A2A_REDIS_URL", "cache://:hunter2@cache"),
        ("A2A_CARD_SIGNING_KEY", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"),
    ] {
        let error = settings(&[(name, value)]).expect_err(name);
        assert!(error.starts_with(&format!("{name} holds ")) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn nobody_is_limited_unless_a_rate_says_so() {
    let limits = |vars: &[(&str, &str)]| settings(vars).map(|settings| settings.security.limits);
    let each = |vars: &[(&str, &str)]| limits(vars).map(|limits| limits.each.map(|rate| (rate.per_minute, rate.burst)));
    assert_eq!(limits(&[]), Ok(LimitSettings::default()));
    assert_eq!(each(&[("A2A_RATE_LIMIT_PER_MINUTE", "100")]), Ok(Some((100, 200))));
    assert_eq!(each(&[("A2A_RATE_LIMIT_PER_MINUTE", "100"), ("A2A_RATE_LIMIT_BURST", "7")]), Ok(Some((100, 7))));
    for off in ["off", "0"] {
        assert_eq!(each(&[("A2A_RATE_LIMIT_PER_MINUTE", off), ("A2A_RATE_LIMIT_BURST", "200")]), Ok(None), "{off}");
    }
    for (name, wrong) in [
        ("A2A_RATE_LIMIT_PER_MINUTE", "-1"),
        ("A2A_RATE_LIMIT_PER_MINUTE", "1000001"),
        ("A2A_RATE_LIMIT_BURST", "0"),
        ("A2A_RATE_LIMIT_METHODS", "SendMessage"),
        ("A2A_RATE_LIMIT_METHODS", "message/send=5"),
        ("A2A_RATE_LIMIT_METHODS", "SendMessage=0"),
        ("A2A_RATE_LIMIT_METHODS", "SendMessage=5,"),
    ] {
        assert!(limits(&[(name, wrong)]).unwrap_err().starts_with(&format!("{name} holds `{wrong}`, but takes ")), "{wrong}");
    }
}

#[test]
fn ten_wrong_credentials_block_an_address_unless_a_number_says_otherwise() {
    let after = |vars: &[(&str, &str)]| settings(vars).map(|settings| settings.security.block_after);
    assert_eq!(after(&[]), Ok(Some(10)));
    for (value, expected) in [("25", Some(25)), ("0", None), ("off", None)] {
        assert_eq!(after(&[("A2A_BLOCK_AFTER_FAILURES", value)]), Ok(expected));
    }
    for wrong in ["-1", "1001", "never"] {
        let error = after(&[("A2A_BLOCK_AFTER_FAILURES", wrong)]).unwrap_err();
        assert!(error.starts_with(&format!("A2A_BLOCK_AFTER_FAILURES holds `{wrong}`, but takes `off`, or ")), "{error}");
    }
}

#[test]
fn single_methods_may_have_a_rate_too() {
    let limits = settings(&[("A2A_RATE_LIMIT_METHODS", "SendMessage=20, ListTasks = 60")]).unwrap().security.limits;
    assert_eq!(limits.methods, [(Method::SendMessage, Rate::per_minute(20)), (Method::ListTasks, Rate::per_minute(60))]);
    assert_eq!(limits.each, None);
}

#[test]
fn threats_are_reported_unless_said_otherwise() {
    assert!(settings(&[]).is_ok_and(|settings| settings.security.threats == guard::threats::Policy::Report));
    for (word, policy) in [("off", guard::threats::Policy::Off), ("report", guard::threats::Policy::Report), ("block", guard::threats::Policy::Block)]
    {
        assert!(settings(&[("A2A_THREATS", word)]).is_ok_and(|settings| settings.security.threats == policy), "{word}");
    }
    assert!(
        settings(&[("A2A_THREATS", "on")]).is_err_and(|error| error.starts_with("A2A_THREATS holds `on`, but takes `off` or `report` or `block`"))
    );
}

#[test]
fn an_identity_provider_is_asked_over_tls_or_on_this_machine() {
    let provider = |url: &str| settings(&[("A2A_JWKS_URL", url), ("A2A_JWT_ISSUER", "https://id.example.com/"), ("A2A_JWT_AUDIENCE", "a2a")]);
    for url in ["https://id.example.com/jwks", "https://id.example.com:8443", "http://127.0.0.1:9/jwks", "http://localhost/jwks", "http://[::1]:9/"] {
        let expected = ProviderSettings { jwks_url: url.into(), issuer: Some("https://id.example.com/".into()), audience: Some("a2a".into()) };
        assert_eq!(provider(url).unwrap().security.provider, Some(expected));
    }
    for url in [
        "http://id.example.com/jwks",
        "http://localhost.example.com",
        "http://localhost@id.example.com",
        "https://",
        "https://a@b/",
        "id",
        "file:///jwks",
    ] {
        assert!(provider(url).unwrap_err().starts_with(&format!("A2A_JWKS_URL holds `{url}`, but takes ")), "{url}");
    }
    for name in ["A2A_JWT_ISSUER", "A2A_JWT_AUDIENCE"] {
        assert!(settings(&[(name, "x")]).unwrap_err().starts_with(&format!("{name} holds `x`, but takes nothing where A2A_JWKS_URL is unset")));
    }
    assert!(settings(&[("A2A_JWKS_URL", "https://id.example.com/jwks")]).is_ok());
}

#[test]
fn loopback_webhooks_and_required_authentication_exclude_each_other() {
    assert!(settings(&[("A2A_PUSH_ALLOW_LOOPBACK", "1")]).is_ok_and(|settings| settings.security.push_allow_loopback));
    let error = settings(&[("A2A_PUSH_ALLOW_LOOPBACK", "1"), ("A2A_AUTH", "required")]).unwrap_err();
    assert!(error.contains("A2A_AUTH"), "{error}");
}

#[test]
fn the_two_bootstrap_keys_must_differ() {
    assert!(settings(&[("A2A_ADMIN_API_KEY", "the-same-key"), ("A2A_SYSTEM_API_KEY", "the-same-key")]).is_err());
}

#[test]
fn a_key_for_agent_cards_may_stand_on_one_line() {
    let pem = edge::SigningKey::generate_pem().unwrap();
    for text in [pem.clone(), pem.replace('\n', " ")] {
        let settings = settings(&[("A2A_CARD_SIGNING_KEY", &text)]).unwrap();
        assert!(settings.security.card_signing_key.is_some() && !format!("{settings:?}").contains(pem.lines().nth(1).unwrap()));
    }
}

#[test]
fn debugging_shows_no_secret() {
    let settings = settings(&[
        ("A2A_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("A2A_DATABASE_URL", "postgres://ann:0123456789abcdef@db/a2a"),
        ("A2A_REDIS_URL", "rediss://:0123456789abcdef@cache"),
    ])
    .unwrap();
    assert!(!format!("{settings:?}").contains("0123456789abcdef"));
}

#[test]
fn backends_are_chosen_by_their_urls() {
    let settings = settings(&[
        ("A2A_DATABASE_URL", "postgres://ann@db/a2a"),
        ("A2A_DB_MAX_CONNECTIONS", "7"),
        ("A2A_REDIS_URL", "rediss://cache:6379"),
        ("A2A_QUEUE_URL", "https://sqs.example.com/1/run"),
        ("A2A_PUSH_QUEUE_URL", "https://sqs.example.com/1/push"),
    ])
    .unwrap()
    .storage;
    assert_eq!(settings.database, DatabaseUrl::Postgres(SecretUrl("postgres://ann@db/a2a".into())));
    assert_eq!((settings.database_connections, settings.redis_connections), (7, 50));
    assert_eq!(settings.redis, Some(SecretUrl("rediss://cache:6379".into())));
    let queue = QueueUrls { run_task: "https://sqs.example.com/1/run".into(), deliver_push: Some("https://sqs.example.com/1/push".into()) };
    assert_eq!(settings.queue, Some(queue));
}

#[test]
fn a_corpus_is_a_file_here_or_in_s3_and_for_dynamodb_alone() {
    let corpus = |corpus: &str, endpoint: &[(&'static str, &str)]| {
        let vars = [&[("A2A_DATABASE_URL", "dynamodb://a2a"), ("A2A_CORPUS", corpus)], endpoint].concat();
        settings(&vars).map(|settings| settings.storage.corpus.unwrap())
    };
    let s3 = |endpoint: Option<&str>| CorpusFile::S3 { bucket: "b".into(), key: "of/corpus.db".into(), endpoint: endpoint.map(str::to_owned) };
    assert_eq!(corpus("/var/task/corpus.db", &[]).unwrap(), CorpusFile::Path("/var/task/corpus.db".into()));
    assert_eq!(corpus("s3://b/of/corpus.db", &[]).unwrap(), s3(None));
    let (any, own) = (("AWS_ENDPOINT_URL", "http://any"), ("AWS_ENDPOINT_URL_S3", "http://own"));
    assert_eq!(corpus("s3://b/of/corpus.db", &[any]).unwrap(), s3(Some("http://any")));
    assert_eq!(corpus("s3://b/of/corpus.db", &[any, own]).unwrap(), s3(Some("http://own")));
    for wrong in ["s3://b", "s3:///key", "s3://b/", "https://b/key"] {
        assert!(corpus(wrong, &[]).unwrap_err().starts_with(&format!("A2A_CORPUS holds `{wrong}`, but takes ")));
    }
    let error = settings(&[("A2A_CORPUS", "corpus.db")]).unwrap_err();
    assert!(error.starts_with("A2A_CORPUS holds `corpus.db`") && error.contains("dynamodb://TABLE"), "{error}");
}

#[test]
fn a_function_opens_few_connections() {
    let settings = settings(&[("AWS_LAMBDA_FUNCTION_NAME", "get-task"), ("A2A_DATABASE_URL", "dynamodb://a2a-tasks")]).unwrap().storage;
    assert_eq!(settings.database, DatabaseUrl::DynamoDb { table: "a2a-tasks".into() });
    assert_eq!((settings.database_connections, settings.redis_connections), (2, 2));
}
