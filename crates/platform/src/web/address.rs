use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The origin of a request, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    address: IpAddr,
    is_sure: bool,
}

impl ClientAddress {
    /// Returns the peer itself, unless it is a trusted proxy: then the last address in the proxy's header that is not a
    /// trusted proxy. Nearly all proxies write `X-Forwarded-For`: where it is present, whatever its content,
    /// `Forwarded` may come from the client, and a difference only makes the address unsure.
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
        let peer = peer.to_canonical();
        if !is_trusted(peer) {
            return Self { address: peer, is_sure: true };
        }
        let here = Self { address: peer, is_sure: true };
        let by_header = |name: HeaderName, hops: Vec<Option<IpAddr>>| {
            headers.contains_key(name).then(|| client(here, hops, is_trusted))
        };
        let nearly_all = by_header(X_FORWARDED_FOR, forwarded_for(headers));
        let few = by_header(header::FORWARDED, forwarded(headers));
        match (nearly_all, few) {
            (None, None) => here,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) => Self { is_sure: one.is_sure && one == other, ..one },
        }
    }

    /// Returns whether the address certainly belongs to one of these networks.
    pub fn is_in(self, networks: &[IpNet]) -> bool {
        self.is_sure && networks.iter().any(|network| network.contains(&self.address))
    }

    /// Returns the subject of request counting: an address, or for IPv6 the subscriber's 64-bit network.
    pub fn subject(self) -> String {
        match self.subscriber() {
            address @ IpAddr::V4(_) => address.to_string(),
            network @ IpAddr::V6(_) => format!("{network}/64"),
        }
    }

    /// Returns the same as a value; for IPv6 the first address of the network.
    pub fn subscriber(self) -> IpAddr {
        subscriber(self.address)
    }
}

/// Returns the address itself, or for IPv6 the first address of the subscriber's 64-bit network.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Returns the last hop that is not a trusted proxy, or the first proxy. An invalid address makes everything beyond it
/// untrusted: the result is then the last known proxy, marked unsure.
fn client(peer: ClientAddress, hops: Vec<Option<IpAddr>>, is_trusted: impl Fn(IpAddr) -> bool) -> ClientAddress {
    let mut last = peer;
    for hop in hops.into_iter().rev() {
        let Some(address) = hop else { return ClientAddress { is_sure: false, ..last } };
        last.address = address;
        if !is_trusted(address) {
            break;
        }
    }
    last
}

fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all(X_FORWARDED_FOR).into_iter();
    let texts = values.flat_map(|value| value.to_str().unwrap_or("?").split(',').map(str::trim).collect::<Vec<_>>());
    texts.map(address).collect()
}

/// Returns the `for` of each hop (RFC 7239).
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all(header::FORWARDED).into_iter();
    let hops = values.flat_map(|value| value.to_str().unwrap_or("?").split(',').collect::<Vec<_>>());
    let name = |hop: &str| {
        let pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut names = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("for"));
        names.next().and_then(|(_, value)| address(value.trim().trim_matches('"')))
    };
    hops.map(name).collect()
}

/// Parses an address, with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&str, &str)]) -> ClientAddress {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        ClientAddress::of(peer.parse().unwrap(), &map, &trusted)
    }

    fn of(peer: &str, headers: &[(&str, &str)]) -> String {
        client(peer, headers).address.to_string()
    }

    #[test]
    fn an_untrusted_peer_is_its_own_address() {
        for headers in [&[] as &[_], &[("x-forwarded-for", "1.2.3.4")], &[("forwarded", "for=1.2.3.4")]] {
            assert_eq!(of("192.0.2.7", headers), "192.0.2.7");
        }
        assert_eq!(of("::ffff:192.0.2.7", &[]), "192.0.2.7");
    }

    #[test]
    fn a_trusted_proxy_names_its_client_and_the_client_cannot() {
        assert_eq!(of("10.0.0.1", &[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
        // The client's entries stand to the left of those that the proxies have added.
        assert_eq!(of("10.0.0.1", &[("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.2")]), "203.0.113.9");
        assert_eq!(
            of("10.0.0.1", &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.9")]),
            "203.0.113.9"
        );
        assert_eq!(of("::ffff:10.0.0.1", &[("x-forwarded-for", "[2001:db8::1]:4711")]), "2001:db8::1");
        assert_eq!(
            of("10.0.0.1", &[("forwarded", "for=1.2.3.4, for=\"[2001:db8::1]:80\";proto=https")]),
            "2001:db8::1"
        );
        assert_eq!(of("10.0.0.1", &[("forwarded", "For=203.0.113.9:80;by=10.0.0.1")]), "203.0.113.9");
    }

    #[test]
    fn an_unreadable_header_entry_falls_back_to_the_proxys_address() {
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[("x-forwarded-for", "unknown")]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[("x-forwarded-for", "1.2.3.4, nonsense, 10.0.0.3")]), "10.0.0.3");
        assert_eq!(of("10.0.0.1", &[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=1.2.3.4")]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &[("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")]), "1.2.3.4");
    }

    #[test]
    fn a_forged_header_does_not_stand_for_the_proxy() {
        let near: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "203.0.113.0/24".parse().unwrap()];
        let is_near = |headers| client("10.0.0.1", headers).is_in(&near);
        assert!(is_near(&[]), "the proxy itself asks");
        assert!(is_near(&[("x-forwarded-for", "203.0.113.9")]));
        assert!(!is_near(&[("x-forwarded-for", "192.0.2.1")]));
        assert!(!is_near(&[("x-forwarded-for", "unknown")]));
        assert!(!is_near(&[("forwarded", "for=\"unix:/run/proxy\"")]));
        assert!(!is_near(&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=203.0.113.9")]));
        assert!(!is_near(&[("x-forwarded-for", "unknown, 10.0.0.3")]));
    }

    #[test]
    fn beside_a_header_of_proxies_that_ends_in_no_address_the_other_one_is_not_believed() {
        let near: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "203.0.113.0/24".parse().unwrap()];
        for nobody in
            ["", " ", "unknown", "_hidden", "203.0.113.9, ", "203.0.113.9, unknown", "for=203.0.113.9", "\u{fc}"]
        {
            let found = client("10.0.0.1", &[("x-forwarded-for", nobody), ("forwarded", "for=203.0.113.9")]);
            assert_eq!(found.address.to_string(), "10.0.0.1", "{nobody:?}");
            assert!(!found.is_in(&near), "{nobody:?}");
        }
        let hop = client("10.0.0.1", &[("x-forwarded-for", "unknown, 10.0.0.3"), ("forwarded", "for=203.0.113.9")]);
        assert_eq!((hop.address.to_string().as_str(), hop.is_in(&near)), ("10.0.0.3", false));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let subject = |text: &str| client(text, &[]).subject();
        assert_eq!(subject("2001:db8:1:2:3:4:5:6"), subject("2001:db8:1:2::1"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_eq!(subject("192.0.2.7"), "192.0.2.7");
    }
}
