//! What compose.yaml and the Dockerfile promise: limits, isolation, no default password, nothing as root.

use std::{fs, path::Path, process::Command};

use serde_yaml_ng::Value;
use tests::{
    files::{read, root},
    servers,
};

use crate::harness::{Server, message};

/// As it is with its anchors followed.
fn compose() -> Value {
    let mut compose: Value = serde_yaml_ng::from_str(&read("infra/compose.yaml")).unwrap();
    compose.apply_merge().unwrap();
    compose
}

/// Each service by name.
fn services() -> Vec<(String, Value)> {
    compose()["services"].as_mapping().unwrap().iter().map(|(name, service)| (name.as_str().unwrap().to_owned(), service.clone())).collect()
}

fn service(name: &str) -> Value {
    compose()["services"][name].clone()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_gateway_has_two_processors_two_gigabytes_and_the_real_functions() {
    let gateway = service("gateway");
    assert_eq!((gateway["cpus"].as_f64(), gateway["mem_limit"].as_str()), (Some(2.0), Some("2g")));
    let command = texts(&gateway["command"]);
    assert!(command.windows(2).any(|pair| pair == ["--functions", "processes"]), "{command:?}");
    assert!(command.windows(2).any(|pair| pair == ["--bootstraps", "/opt/a2a/functions"]), "{command:?}");
    assert_eq!(texts(&gateway["healthcheck"]["test"]), ["CMD", "a2a", "healthcheck"]);
    let variables = gateway["environment"].as_mapping().unwrap();
    let readme = read("README.md");
    for name in variables.keys() {
        assert!(readme.contains(&format!("`{}`", name.as_str().unwrap())), "{name:?} is no setting");
    }
    assert_eq!(gateway["environment"]["A2A_AUTH"], "${A2A_AUTH:-required}");
    assert!(gateway["environment"]["A2A_DATABASE_URL"].as_str().unwrap().starts_with("postgres://a2a:${POSTGRES_PASSWORD:?"));
    assert!(gateway["environment"]["A2A_REDIS_URL"].as_str().unwrap().contains("${REDIS_PASSWORD:?"));
}

#[test]
fn every_service_is_limited_watched_started_again_and_may_do_little() {
    let services = services();
    let names: Vec<_> = services.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["gateway", "postgres", "redis", "prometheus", "grafana"]);
    for (name, service) in services {
        assert!(service["cpus"].as_f64().is_some() && service["mem_limit"].is_string() && service["pids_limit"].is_u64(), "{name} is not limited");
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        let health = &service["healthcheck"];
        assert_eq!(health["start_period"], "40s", "{name}");
        assert!(health["test"].is_sequence() && health["interval"].is_string() && health["timeout"].is_string(), "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        let user = service["user"].as_str().unwrap_or_else(|| panic!("{name} runs as whoever its image says"));
        assert!(!user.starts_with('0') && !user.starts_with("root"), "{name}");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        assert!(service["logging"]["options"]["max-size"].is_string(), "{name} may fill the disk with its log");
        let image = service["image"].as_str().unwrap();
        assert!(image.split_once(':').is_some_and(|(_, tag)| tag != "latest"), "{name}: {image}");
        for forbidden in ["privileged", "network_mode", "pid", "cap_add", "devices"] {
            assert!(service[forbidden].is_null(), "{name} has {forbidden}");
        }
    }
}

#[test]
fn nobody_but_the_gateway_reaches_the_database() {
    assert_eq!(compose()["networks"]["data"]["internal"], true);
    assert_eq!(compose()["networks"]["watch"]["internal"], true);
    for (name, service) in services() {
        let networks = texts(&service["networks"]);
        match name.as_str() {
            "postgres" | "redis" => assert!(networks == ["data"] && service["ports"].is_null(), "{name}: {networks:?}"),
            "gateway" => assert_eq!(networks, ["front", "data", "watch"]),
            _ => assert!(!networks.contains(&"data".to_owned()), "{name}: {networks:?}"),
        }
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to other machines");
        }
    }
}

#[test]
fn there_is_no_default_password() {
    for (name, service) in services() {
        for (variable, value) in service["environment"].as_mapping().into_iter().flatten() {
            let (variable, value) = (variable.as_str().unwrap(), value.as_str().unwrap());
            let is_secret = ["PASSWORD", "SECRET", "_KEY", "_URL"].iter().any(|part| variable.contains(part)) && variable != "A2A_PUBLIC_URL";
            assert_eq!(value.contains(":?"), is_secret, "{name}: {variable}={value}");
        }
    }
    assert!(service("postgres")["environment"].get("POSTGRES_HOST_AUTH_METHOD").is_none());
    assert_eq!(service("grafana")["environment"]["GF_AUTH_ANONYMOUS_ENABLED"], "false");
    // What shows among the processes of a machine holds none either.
    for (name, service) in services() {
        assert!(!texts(&service["command"]).concat().contains("${"), "{name}");
    }
}

#[test]
fn data_logs_and_configuration_outlive_containers() {
    let of = |name: &str| texts(&service(name)["volumes"]);
    for volume in ["data:/var/lib/a2a", "logs:/var/log/a2a", "../template.yaml:/etc/a2a/template.yaml:ro"] {
        assert!(of("gateway").iter().any(|other| other == volume), "{volume}");
    }
    assert_eq!(of("postgres"), ["postgres:/var/lib/postgresql/data"]);
    assert!(of("prometheus").contains(&"prometheus:/prometheus".to_owned()) && of("grafana").contains(&"grafana:/var/lib/grafana".to_owned()));
    for (name, service) in services() {
        for volume in texts(&service["volumes"]) {
            let (from, to) = volume.split_once(':').unwrap();
            if from.starts_with('.') {
                assert!(root().join("infra").join(from).exists(), "{name}: {from} is not there");
                assert!(to.ends_with(":ro"), "{name} may write {from}");
            } else {
                assert!(!compose()["volumes"][from].is_null(), "{name}: no volume {from}");
            }
        }
    }
}

#[test]
fn the_image_holds_every_function_and_runs_as_nobody_in_particular() {
    let dockerfile = read("infra/Dockerfile");
    assert!(!dockerfile.contains("syntax=") && !dockerfile.contains("--mount"), "docker-compose 1 builds it without BuildKit");
    let last = dockerfile.rsplit("\nFROM ").next().unwrap();
    assert!(last.contains("\nUSER 10001:10001\n"), "{last}");
    assert_eq!(service("gateway")["user"], "10001:10001");
    assert!(last.contains("COPY --from=build /functions /opt/a2a/functions\n"), "{last}");
    assert!(dockerfile.contains("for function in functions/*/"), "{dockerfile}");
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = \"")).unwrap().trim_end_matches('"');
    assert!(dockerfile.contains(&format!("FROM rust:{}-", channel.trim_end_matches(".0"))), "the image is built by Rust {channel}");
    assert!(dockerfile.contains(&format!("ENV RUSTUP_TOOLCHAIN={channel}\n")), "{dockerfile}");
    // Nothing gets in that isn't named.
    assert!(read(".dockerignore").lines().any(|line| line == "*"));
}

/// Each another one.
fn secret(name: &str) -> String {
    format!("{:0<64}", name.to_lowercase())
}

/// What stands for a variable: a secret as `cargo xtask env` makes it, or else its default.
fn resolved(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (variable, after) = rest.split_once('}').unwrap();
    let (name, default) = variable.split_once(':').unwrap();
    let inserted = default.strip_prefix('-').map_or_else(|| secret(name), str::to_owned);
    format!("{before}{inserted}{}", resolved(after))
}

#[tokio::test]
async fn a_server_on_postgres_and_redis_takes_the_settings_as_they_stand() {
    let gateway = service("gateway");
    let mut settings = Vec::new();
    for (name, value) in gateway["environment"].as_mapping().unwrap() {
        settings.push((name.as_str().unwrap().to_owned(), resolved(value.as_str().unwrap())));
    }
    let logs = tempfile::tempdir().unwrap();
    let database = servers::postgres_database().await;
    let here =
        [("A2A_DATABASE_URL", database.clone()), ("A2A_REDIS_URL", servers::redis()), ("A2A_LOG_DIR", logs.path().to_str().unwrap().to_owned())];
    for (name, value) in &here {
        settings.iter_mut().find(|(other, _)| other == name).unwrap().1 = value.clone();
    }
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = Server::with(&settings);
    assert!(server.command(&["healthcheck", "--url", &server.url("/health/ready")]).status.success());
    // Who has no credentials gets in nowhere, and the admin does.
    assert_eq!(server.rest("/message:send", &message("compose-1", "hello")).await.status, 401);
    let key = secret("A2A_ADMIN_API_KEY");
    assert_eq!(server.get("/tasks", &[("A2A-Version", "1.0"), ("X-API-Key", &key)]).await.status, 200);
    assert!(std::fs::read_dir(logs.path()).unwrap().count() > 0, "it logs to files");
    drop(server);
    servers::drop_postgres_database(&database).await;
}

/// Clients of compose on this machine.
fn clients() -> Vec<Vec<&'static str>> {
    let known = [vec!["docker", "compose"], vec!["docker-compose"]];
    let works = |client: &Vec<&str>| Command::new(client[0]).args(&client[1..]).arg("version").output().is_ok_and(|output| output.status.success());
    known.into_iter().filter(works).collect()
}

#[test]
fn clients_of_compose_understand_it_and_want_the_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().join(".env");
    let asked = read("infra/compose.yaml");
    let names = asked.split("${").skip(1).filter_map(|rest| Some(rest.split_once(":?")?.0)).filter(|name| !name.contains('}'));
    fs::write(&secrets, names.map(|name| format!("{name}=0123456789\n")).collect::<String>()).unwrap();
    fs::write(directory.path().join("none"), "").unwrap();
    let clients = clients();
    if clients.is_empty() {
        println!("NOT RUN: there is no client of compose here");
    }
    for client in clients {
        let config = |environment: &Path| {
            let mut command = Command::new(client[0]);
            command.args(&client[1..]).arg("--env-file").arg(environment).args(["--file", "infra/compose.yaml", "config"]);
            // Nothing of this machine's own variables, but for where programs and their plugins are.
            let kept = ["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
            command.current_dir(root()).env_clear().envs(kept).output().unwrap()
        };
        let with = config(&secrets);
        assert!(with.status.success(), "{client:?}: {with:?}");
        let resolved: Value = serde_yaml_ng::from_slice(&with.stdout).unwrap();
        assert_eq!(resolved["services"].as_mapping().unwrap().len(), services().len(), "{client:?}");
        assert_eq!(resolved["services"]["gateway"]["environment"]["A2A_SECRET_KEY"], "0123456789");
        let without = config(&directory.path().join("none"));
        assert!(!without.status.success(), "{client:?} starts without secrets");
        assert!(String::from_utf8_lossy(&without.stderr).contains("run cargo xtask env"), "{client:?}: {without:?}");
    }
}
