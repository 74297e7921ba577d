//! Whom to load: what an agent card, of any version of the protocol, says of where and how to speak to its agent.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{StatusCode, Url};
use serde_json::Value;

use crate::options::Protocol;

/// How long a card is waited for.
const CARD_WITHIN: Duration = Duration::from_secs(10);

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V0_1,
    V0_3,
    V1_0,
}

/// How calls become HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    HttpJson,
    JsonRpc,
}

/// An agent, where it is and how it is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// As its card calls it.
    pub name: Option<String>,
    pub endpoint: Url,
    pub version: Version,
    pub binding: Binding,
    /// What its card wants sent along.
    pub tenant: Option<String>,
    /// Whether the server is well.
    pub health: Url,
}

impl Version {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1_0 => "1.0",
            Version::V0_3 => "0.3",
            Version::V0_1 => "0.1",
        }
    }

    /// That of a card or an interface.
    fn read(text: &str) -> Option<Self> {
        match text.split('.').collect::<Vec<_>>()[..] {
            ["1", ..] => Some(Version::V1_0),
            // Messages are sent as they are since then.
            ["0", "2" | "3", ..] => Some(Version::V0_3),
            ["0", "1", ..] => Some(Version::V0_1),
            _ => None,
        }
    }
}

impl Binding {
    /// As cards call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Binding::JsonRpc => "JSONRPC",
            Binding::HttpJson => "HTTP+JSON",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Binding::JsonRpc, Binding::HttpJson].into_iter().find(|binding| binding.as_str() == text)
    }
}

impl Target {
    /// Asks for the card, unless the version is given. Credentials are for the given server: a card that leads them to another is refused.
    ///
    /// # Errors
    /// Where there is no card, it offers nothing that can be spoken, or leads elsewhere.
    pub async fn find(http: &reqwest::Client, url: &Url, protocol: Protocol, has_credentials: bool) -> Result<Target> {
        let health = below(url, "health");
        let version = match protocol {
            Protocol::Auto => {
                let card = card(http, url).await?;
                let target = read(&card, health).with_context(|| format!("the agent card of {url} offers no JSONRPC and no HTTP+JSON interface"))?;
                ensure!(
                    !has_credentials || target.endpoint.origin() == url.origin(),
                    "the agent card of {url} leads to {}, which would be shown the credentials: give that URL, or --protocol to stay",
                    target.endpoint
                );
                return Ok(target);
            }
            Protocol::V1_0 => Version::V1_0,
            Protocol::V0_3 => Version::V0_3,
            Protocol::V0_1 => Version::V0_1,
        };
        Ok(Target { name: None, endpoint: url.clone(), version, binding: Binding::JsonRpc, tenant: None, health })
    }
}

/// A path below a URL, whether or not that ends in a slash.
pub fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    below
}

/// From where agents of each generation show it: below the URL, else below its origin.
async fn card(http: &reqwest::Client, url: &Url) -> Result<Value> {
    let mut origin = url.clone();
    origin.set_path("");
    let mut bases = vec![url, &origin];
    bases.dedup_by_key(|base| base.path().trim_end_matches('/').to_owned());
    for base in bases {
        for name in [".well-known/agent-card.json", ".well-known/agent.json"] {
            let place = below(base, name);
            let asked = http.get(place.clone()).timeout(CARD_WITHIN).send().await;
            let response = asked.map_err(reqwest::Error::without_url).with_context(|| format!("{place} does not answer"))?;
            match response.status() {
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {}
                status if status.is_success() => {
                    return response.json().await.map_err(reqwest::Error::without_url).with_context(|| format!("{place} is no agent card"));
                }
                status => bail!("{place} answers {status}"),
            }
        }
    }
    bail!("{url} has no agent card; --protocol says what to speak without one")
}

/// The newest version that a card offers, by JSON-RPC where it offers that.
fn read(card: &Value, health: Url) -> Option<Target> {
    let text = |value: &Value, field: &str| value[field].as_str().map(str::to_owned);
    let of_card = match text(card, "protocolVersion") {
        Some(version) => Version::read(&version),
        // No card of the first generation has one.
        None => Some(Version::V0_1),
    };
    let interface = |endpoint: &Value, version: Option<Version>, binding: Option<&str>, tenant: Option<String>| {
        Some(Target {
            name: text(card, "name"),
            endpoint: endpoint.as_str()?.parse().ok()?,
            version: version?,
            binding: Binding::read(binding?)?,
            tenant: tenant.filter(|tenant| !tenant.is_empty()),
            health: health.clone(),
        })
    };
    let listed = |field: &str| card[field].as_array().into_iter().flatten();
    let newest = listed("supportedInterfaces").filter_map(|offered| {
        let version = offered["protocolVersion"].as_str().and_then(Version::read);
        interface(&offered["url"], version, offered["protocolBinding"].as_str(), text(offered, "tenant"))
    });
    let older = listed("additionalInterfaces").filter_map(|offered| interface(&offered["url"], of_card, offered["transport"].as_str(), None));
    let main = interface(&card["url"], of_card, Some(card["preferredTransport"].as_str().unwrap_or("JSONRPC")), None);
    // Where several are equally good, the first: cards begin with what they prefer.
    let better = |best: Target, other: Target| if (other.version, other.binding) > (best.version, best.binding) { other } else { best };
    newest.chain(main).chain(older).reduce(better)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn offered(card: Value) -> Option<(String, Version, Binding)> {
        let target = read(&card, "http://h/health".parse().unwrap())?;
        Some((target.endpoint.to_string(), target.version, target.binding))
    }

    #[test]
    fn the_newest_version_is_spoken_by_json_rpc_where_there_is_that() {
        let interface = |url: &str, binding: &str, version: &str| json!({"url": url, "protocolBinding": binding, "protocolVersion": version});
        let card = json!({
            "url": "http://h/old", "protocolVersion": "0.3.0", "preferredTransport": "JSONRPC",
            "supportedInterfaces": [
                interface("http://h/rest", "HTTP+JSON", "1.0"), interface("http://h/grpc", "GRPC", "1.0"),
                interface("http://h/rpc", "JSONRPC", "1.0"), interface("http://h/rpc2", "JSONRPC", "1.0"), interface("http://h/7", "JSONRPC", "7.0"),
            ]
        });
        assert_eq!(offered(card), Some(("http://h/rpc".into(), Version::V1_0, Binding::JsonRpc)));
        let rest = json!({"supportedInterfaces": [interface("http://h/a", "HTTP+JSON", "1.0"), interface("http://h/b", "JSONRPC", "0.3")]});
        assert_eq!(offered(rest), Some(("http://h/a".into(), Version::V1_0, Binding::HttpJson)));
    }

    #[test]
    fn older_cards_are_read() {
        let middle = json!({
            "url": "http://h/grpc", "protocolVersion": "0.3.0", "preferredTransport": "GRPC",
            "additionalInterfaces": [{"url": "http://h/rest", "transport": "HTTP+JSON"}, {"url": "http://h/rpc", "transport": "JSONRPC"}]
        });
        assert_eq!(offered(middle), Some(("http://h/rpc".into(), Version::V0_3, Binding::JsonRpc)));
        assert_eq!(offered(json!({"name": "a", "url": "http://h/"})), Some(("http://h/".into(), Version::V0_1, Binding::JsonRpc)));
        assert_eq!(offered(json!({"name": "a", "url": "http://h/", "protocolVersion": "0.9"})), None);
        assert_eq!(offered(json!({"name": "a"})), None);
    }

    #[test]
    fn a_path_is_appended_to_a_url_with_or_without_a_slash() {
        for url in ["http://h/base", "http://h/base/"] {
            assert_eq!(below(&url.parse().unwrap(), "health").as_str(), "http://h/base/health");
        }
        assert_eq!(below(&"http://h".parse().unwrap(), "health").as_str(), "http://h/health");
    }
}
