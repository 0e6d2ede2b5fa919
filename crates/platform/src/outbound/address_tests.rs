use super::*;

fn public(address: &str) -> bool {
    is_public(address.parse().unwrap())
}

/// First and last address of each refused range, with the neighbours outside (if those are public).
const RANGES: [(&str, &str, Option<&str>, Option<&str>); 19] = [
    ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
    ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
    ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
    ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
    ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
    ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
    ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
    ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
    ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
    ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
    ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
    ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
    ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
    ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
    ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2000::")),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2000:ffff::1"), Some("2001:200::")),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7:ffff::"), Some("2001:db9::")),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:ffff::"), Some("2003::")),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3ffe:ffff::"), Some("3fff:1000::")),
];

#[test]
fn each_range_is_refused_from_its_first_to_its_last_address_and_not_beyond() {
    for (first, last, before, after) in RANGES {
        assert!(!public(first), "{first}");
        assert!(!public(last), "{last}");
        for neighbour in [before, after].into_iter().flatten() {
            assert!(public(neighbour), "{neighbour}");
        }
    }
    assert!(public("3fff:ffff::"));
    for outside in ["4000::", "fc00::1", "fe80::1", "ff02::1", "::1", "ffff::", "64:ff9b:1::808:808"] {
        assert!(!public(outside), "{outside}");
    }
}

#[test]
fn an_ipv4_address_inside_an_ipv6_address_is_what_is_judged() {
    for (first, last, before, after) in RANGES.iter().filter(|(first, ..)| !first.contains(':')) {
        for prefix in ["::ffff:", "64:ff9b::"] {
            for refused in [first, last] {
                assert!(!public(&format!("{prefix}{refused}")), "{prefix}{refused}");
            }
            for neighbour in [before, after].into_iter().flatten() {
                assert!(public(&format!("{prefix}{neighbour}")), "{prefix}{neighbour}");
            }
        }
    }
    assert!(!public("::8.8.8.8"), "a compatible address is outside what is given out");
}

fn rules(trusted: &[&str]) -> Rules {
    Rules { ports: vec![443, 8443], trusted: trusted.iter().map(|network| network.parse().unwrap()).collect() }
}

fn judged(url: &str) -> Result<(), FaultCode> {
    rules(&[]).judge(url, false).map(drop).map_err(|fault| fault.code)
}

#[test]
fn only_https_to_an_allowed_port_without_user_and_fragment_is_allowed() {
    for url in [
        "https://example.com/hook?x=1",
        "https://example.com:8443/",
        "HTTPS://EXAMPLE.COM",
        "https://8.8.8.8/",
        "https://[2600::1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://bücher.example/",
    ] {
        assert_eq!(judged(url), Ok(()), "{url}");
    }
    for url in [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://:secret@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
        "https://example.com/#part",
        "https://example.com/#",
        "https://example.com:80/",
        "https://example.com:22/",
        "https://8.8.8.8:8080/",
    ] {
        assert_eq!(judged(url), Err(FaultCode::NotAllowed), "{url}");
    }
    for url in ["", "example.com", "//example.com", "https://", "https://exa mple.com/", "https://256.1.1.1/"] {
        assert_eq!(judged(url), Err(FaultCode::InvalidFormat), "{url}");
    }
}

#[test]
fn every_notation_of_an_address_is_judged() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "0",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a00:1]",
        "[64:ff9b::10.0.0.1]",
        "[fe80::1]",
        "[fd00::1]",
    ] {
        assert_eq!(judged(&format!("https://{host}/")), Err(FaultCode::NotAllowed), "{host}");
    }
}

#[test]
fn trusted_networks_are_for_the_trusted_and_there_any_way_is_good() {
    let inside = rules(&["10.1.0.0/16"]);
    let judge = |url: &str, is_trusted| inside.judge(url, is_trusted).map(drop).map_err(|fault| fault.code);
    for url in ["http://10.1.2.3:8080/", "https://10.1.2.3/", "http://[::ffff:10.1.2.3]/", "http://internal.example:9/"]
    {
        assert_eq!(judge(url, true), Ok(()), "{url}");
        assert_eq!(judge(url, false), Err(FaultCode::NotAllowed), "{url}");
    }
    for url in ["http://10.2.0.1/", "http://8.8.8.8/", "https://8.8.8.8:9/", "https://10.2.0.1/"] {
        assert_eq!(judge(url, true), Err(FaultCode::NotAllowed), "{url}");
    }
    let plain = inside.judge("http://internal.example/", true).unwrap();
    assert!(inside.allows(&plain, "10.1.0.1".parse().unwrap(), true));
    assert!(!inside.allows(&plain, "10.1.0.1".parse().unwrap(), false));
    assert!(!inside.allows(&plain, "8.8.8.8".parse().unwrap(), true), "not without encryption");
}
