//! Which ports webhooks may be at: those of the web, and high ones where nothing is known to listen that isn't the web.

/// Below this only the web's own two: what listens there is a service of some other protocol.
const FIRST_FREE_PORT: u16 = 1024;

/// Other services: those that the Fetch standard has browsers stay away from, and databases, caches, brokers and machines' own controls.
const OTHERS: [u16; 50] = [
    1433, 1434, 1521, 1719, 1720, 1723, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 4369, 5060, 5061, 5432, 5433, 5671,
    5672, 5900, 5984, 5985, 5986, 6000, 6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 7000, 7199, 9042, 9092, 9200, 10080, 10250,
    11211, 27017,
];

/// Why nothing is posted there; `None` where it may be.
pub(crate) fn refusal(port: u16) -> Option<&'static str> {
    match port {
        80 | 443 => None,
        0 => Some("nothing listens on port 0"),
        1..FIRST_FREE_PORT => Some("below 1024 webhooks are at ports 80 and 443 only"),
        port if OTHERS.contains(&port) => Some("its port is that of another service than the web"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_the_web_are_open_and_those_of_other_services_closed() {
        for port in [80, 443, 1024, 3000, 4000, 5000, 8000, 8080, 8443, 9000, 40000, 65535] {
            assert_eq!(refusal(port), None, "{port}");
        }
        for port in [0, 1, 21, 22, 23, 25, 53, 110, 143, 389, 445, 465, 636, 993, 1023, 2375, 3306, 5432, 6379, 9200, 11211, 27017] {
            assert!(refusal(port).is_some(), "{port}");
        }
        assert!(OTHERS.is_sorted() && OTHERS[0] >= FIRST_FREE_PORT);
    }
}
