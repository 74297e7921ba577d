//! Looks names up and hands on only addresses that may be connected to, so that what was checked is what is connected to.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address;

/// Answers with the addresses of a name.
pub(crate) type Lookup = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> + Send + Sync>;

/// As the system does.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// A lookup behind a filter. Asked once for each connection: there is no second answer that could differ from the one that was checked.
pub(crate) struct FilteringResolver {
    pub(crate) lookup: Lookup,
    /// See [`address::refusal`].
    pub(crate) allow_loopback: bool,
}

/// A name has no address that may be connected to.
#[derive(Debug)]
pub(crate) struct NoAllowedAddress {
    name: String,
    reason: &'static str,
}

impl std::fmt::Display for NoAllowedAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` resolves to {}", self.name, self.reason)
    }
}

impl std::error::Error for NoAllowedAddress {}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_loopback, lookup) = (self.allow_loopback, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = lookup.await?;
            Ok(Box::new(allowed(name.as_str(), found, allow_loopback)?.into_iter()) as Addrs)
        })
    }
}

/// Those that may be connected to; an error if there were some and none may.
pub(crate) fn allowed(name: &str, found: Vec<SocketAddr>, allow_loopback: bool) -> Result<Vec<SocketAddr>, NoAllowedAddress> {
    let first_refusal = found.iter().find_map(|address| address::refusal(address.ip(), allow_loopback));
    let allowed: Vec<_> = found.into_iter().filter(|address| address::refusal(address.ip(), allow_loopback).is_none()).collect();
    match first_refusal {
        Some(reason) if allowed.is_empty() => Err(NoAllowedAddress { name: name.to_owned(), reason }),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mixed_answers_only_the_public_address_is_connected_to() {
        let found = vec!["10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        assert_eq!(allowed("mixed.example", found, false).unwrap(), vec!["8.8.8.8:0".parse().unwrap()]);
    }

    #[test]
    fn a_name_with_private_answers_only_is_refused_by_name() {
        let error = allowed("inside.example", vec!["192.168.1.1:0".parse().unwrap()], false).unwrap_err();
        assert_eq!(error.to_string(), "`inside.example` resolves to a private address");
    }
}
