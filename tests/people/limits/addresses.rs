use super::{OPEN, behind_proxies, get_as, limited, refused, told};

#[tokio::test]
async fn an_untrusted_peer_cannot_choose_an_address() {
    let world = limited().set("rate_limit.anonymous_per_minute", "3").start().await;
    let anybody = world.anonymous();
    for number in 0..3 {
        get_as(&anybody, &format!("203.0.113.{number}"), OPEN).await.expect(200);
    }
    refused(get_as(&anybody, "203.0.113.9", OPEN).await, 3);
    let request = anybody.request(reqwest::Method::GET, OPEN).header("forwarded", "for=203.0.113.10");
    refused(loadmaster_testkit::Answer::of(request.header("x-real-ip", "203.0.113.11")).await, 3);
}

#[tokio::test]
async fn behind_a_proxy_each_address_has_a_quota() {
    let world = behind_proxies().await;
    let anybody = world.anonymous();
    let left = async |address: &str| told(&get_as(&anybody, address, OPEN).await).unwrap()[1];
    assert_eq!(left("203.0.113.1").await, 59);
    assert_eq!(left("203.0.113.1").await, 58);
    assert_eq!(left("203.0.113.2").await, 59);
    // What a client has put before what the proxy added is not believed.
    assert_eq!(left("198.51.100.7, 203.0.113.1").await, 57);
    assert_eq!(left("203.0.113.2, 203.0.113.1, 127.0.0.9").await, 56);
    // Nor is anything that is no address: then it is the proxy that asks.
    assert_eq!(left("unknown").await, 59);
    assert_eq!(left("").await, 58);
}

#[tokio::test]
async fn forged_forwarding_headers_change_no_quota() {
    let world = behind_proxies().await;
    let anybody = world.anonymous();
    let left = async |address: &str, besides: &str| {
        let request = anybody.request(reqwest::Method::GET, OPEN).header("x-forwarded-for", address);
        told(&loadmaster_testkit::Answer::of(request.header("forwarded", besides)).await).unwrap()[1]
    };
    for number in 1..=5 {
        assert_eq!(left("203.0.113.1", &format!("for=198.51.100.{number}")).await, 60 - number);
    }
    assert_eq!(left("203.0.113.2", "for=198.51.100.1").await, 59, "another client that says the same");
    assert_eq!(told(&get_as(&anybody, "198.51.100.1", OPEN).await).unwrap()[1], 59, "who was named");
}

#[tokio::test]
async fn an_ipv6_network_of_64_bits_counts_as_one_address() {
    let world = behind_proxies().await;
    let anybody = world.anonymous();
    let left = async |address: &str| told(&get_as(&anybody, address, OPEN).await).unwrap()[1];
    assert_eq!(left("2001:db8:1:2::1").await, 59);
    assert_eq!(left("2001:db8:1:2:ffff:ffff:ffff:ffff").await, 58);
    assert_eq!(left("[2001:db8:1:2:3::4]:443").await, 57);
    assert_eq!(left("2001:db8:1:3::1").await, 59);
    assert_eq!(left("203.0.113.1").await, 59);
    assert_eq!(left("::ffff:203.0.113.1").await, 58, "an IPv4 address in IPv6's clothes");
}
