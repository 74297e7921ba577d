//! Which addresses may be connected to: public unicast ones, written plainly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a connection to the address is refused; `None` where it may be made.
pub(crate) fn refusal(address: IpAddr, allow_loopback: bool) -> Option<&'static str> {
    if address.is_loopback() {
        return (!allow_loopback).then_some("a loopback address");
    }
    match address {
        IpAddr::V4(address) => refusal_v4(address),
        IpAddr::V6(address) => refusal_v6(address),
    }
}

/// The special-purpose blocks of IANA's registry, and what clouds put elsewhere.
fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        (0, ..) => Some("an unspecified address"),
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => Some("a private address"),
        (100, 64..=127, ..) => Some("an address of carrier-grade NAT"),
        (169, 254, 169, 254) | (168, 63, 129, 16) => Some("a metadata service"),
        (169, 254, ..) => Some("a link-local address"),
        (192, 0, 0, _) => Some("an address of protocol assignments"),
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => Some("an address of documentation"),
        (192, 88, 99, _) => Some("a 6to4 relay"),
        (198, 18..=19, ..) => Some("an address of benchmarks"),
        (224..=239, ..) => Some("a multicast address"),
        (240..=255, ..) => Some("a reserved address"),
        _ => None,
    }
}

/// Only 2000::/3 is public unicast, and within it not what carries an IPv4 address or has another purpose.
fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [a, b, c, d, e, f, ..] = address.segments();
    match (a, b) {
        _ if address.is_unspecified() => Some("an unspecified address"),
        (0, 0) if (c, d, e) == (0, 0, 0) && f == 0xffff => Some("an IPv4-mapped address"),
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0) => Some("an IPv4-compatible address"),
        (0x64, 0xff9b) => Some("a NAT64 address"),
        (0x2002, _) => Some("a 6to4 address"),
        (0x2001, 0) => Some("a Teredo address"),
        (0x2001, 0x0db8) | (0x3fff, 0..=0x0fff) => Some("an address of documentation"),
        (0x2001, 0..=0x01ff) => Some("an address of protocol assignments"),
        (0xfd00, 0x0ec2) => Some("a metadata service"),
        (0xfc00..=0xfdff, _) => Some("a private address"),
        (0xfe80..=0xfebf, _) => Some("a link-local address"),
        (0xff00..=0xffff, _) => Some("a multicast address"),
        (0x2000..=0x3fff, _) => None,
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> bool {
        refusal(address.parse().unwrap(), false).is_some()
    }

    #[test]
    fn public_addresses_may_be_connected_to() {
        for address in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "169.253.1.1", "198.17.0.1", "223.255.255.1"]
        {
            assert!(!refused(address), "{address}");
        }
        for address in ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1", "2001:200::1", "3fff:1000::1"] {
            assert!(!refused(address), "{address}");
        }
    }

    #[test]
    fn the_first_and_last_address_of_each_special_block_is_refused() {
        for address in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.0",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "168.63.129.16",
        ] {
            assert!(refused(address), "{address}");
        }
        for address in [
            "::",
            "::1",
            "::2",
            "::7f00:1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(refused(address), "{address}");
        }
    }

    #[test]
    fn the_setting_admits_loopback_and_nothing_else() {
        for address in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(refusal(address.parse().unwrap(), true), None, "{address}");
        }
        for address in ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1"] {
            assert!(refusal(address.parse().unwrap(), true).is_some(), "{address}");
        }
    }
}
