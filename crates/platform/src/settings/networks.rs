use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

/// Reads networks; a plain address means the network of that one address.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
            de::Error::custom(format_args!(
                "`{text}` is neither a network, such as 10.0.0.0/8, nor an address, such as 192.0.2.7"
            ))
        })
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(network).collect()
}
