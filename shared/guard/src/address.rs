//! Where a request comes from, as far as that tells callers apart.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// The bits of an IPv6 address that its holder can't choose: who has one has the whole network below.
const NETWORK_BITS: u32 = 64;

/// An IPv4 address, or the network of an IPv6 address, written `2001:db8:1:2::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither an IPv4 nor an IPv6 address")]
pub struct NoAddress;

impl Address {
    /// The address that API Gateway names. Callers that it doesn't name, such as tests in AWS's console, share one.
    pub fn of_source(source_ip: Option<&str>) -> Self {
        source_ip.and_then(|ip| ip.parse().ok()).unwrap_or(Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> NETWORK_BITS << NETWORK_BITS)),
            address => address,
        })
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (address, network) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NoAddress)?;
        match (Address::from(address), network) {
            (address, None) => Ok(address),
            (address @ Address(IpAddr::V6(_)), Some("64")) => Ok(address),
            _ => Err(NoAddress),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/{NETWORK_BITS}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_network_is_one_caller() {
        let shown = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        for (text, address) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(address), "{text}");
        }
        for wrong in ["", "ann", "192.0.2.7:80", "192.0.2.0/24", "192.0.2.7/64", "2001:db8::/48", "[::1]", "1.2.3"] {
            assert_eq!(shown(wrong), Err(NoAddress), "{wrong}");
        }
    }

    #[test]
    fn callers_without_an_address_are_one() {
        assert_eq!(Address::of_source(Some("test-invoke-source-ip")), Address::of_source(None));
        assert_ne!(Address::of_source(Some("192.0.2.7")), Address::of_source(None));
    }
}
