use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use loadmaster_kernel::{Fault, FaultCode};
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use super::Rules;

/// Networks that are not of the public internet, each with the length of its prefix.
const REFUSED: [(Ipv4Addr, u8); 14] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The part of IPv6 that is given out.
const GIVEN_OUT: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Of that part, what leads elsewhere or nowhere: protocols' own (Teredo among them), documentation, 6to4.
const REFUSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// IPv6 addresses that end with an IPv4 address: mapped ones, and those of NAT64.
const WITH_V4: [(Ipv6Addr, u8); 2] =
    [(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96)];

fn is_in_v4(address: Ipv4Addr, (network, length): (Ipv4Addr, u8)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= u32::from(length)
}

fn is_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u8)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= u32::from(length)
}

/// Returns the address that packets reach in the end: the IPv4 address inside an IPv6 address, if there is one.
fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if WITH_V4.iter().any(|network| is_in_v6(v6, *network)) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        address => address,
    }
}

/// Returns whether the address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match reached(address) {
        IpAddr::V4(v4) => !REFUSED.iter().any(|network| is_in_v4(v4, *network)),
        IpAddr::V6(v6) => is_in_v6(v6, GIVEN_OUT) && !REFUSED_V6.iter().any(|network| is_in_v6(v6, *network)),
    }
}

/// A URL that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(super) url: Url,
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) is_encrypted: bool,
}

impl Target {
    /// Returns its address, if that stands in the URL.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ipv4(v4) => Some(v4.into()),
            Host::Ipv6(v6) => Some(v6.into()),
            Host::Domain(_) => None,
        }
    }

    /// Returns the name that its certificate must have.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        match &self.host {
            Host::Domain(name) => ServerName::try_from(name.clone()).ok(),
            Host::Ipv4(v4) => Some(ServerName::from(IpAddr::V4(*v4))),
            Host::Ipv6(v6) => Some(ServerName::from(IpAddr::V6(*v6))),
        }
    }
}

fn not_allowed(message: &'static str) -> Fault {
    Fault::new(FaultCode::NotAllowed, message)
}

impl Rules {
    /// Judges a URL. An address in it is judged now, in every notation; the addresses of a name are judged at each call.
    pub fn judge(&self, text: &str, is_trusted: bool) -> Result<Target, Fault> {
        let unreadable = || Fault::format("must be an address that begins with https://");
        let url = Url::parse(text.trim()).map_err(|_| unreadable())?;
        let is_encrypted = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(not_allowed("must begin with https://")),
        };
        let host = url.host().ok_or_else(unreadable)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(unreadable)?;
        // The parser drops one that is empty.
        let authority =
            text.split_once("//").map_or("", |(_, rest)| rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest));
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err(not_allowed("must not contain a user name or a password"));
        }
        if url.fragment().is_some() {
            return Err(not_allowed("must not contain a fragment"));
        }
        let target = Target { url, host, port, is_encrypted };
        if target.server_name().is_none() {
            return Err(Fault::format("must name a host by a valid name or address"));
        }
        let may_be_inside = is_trusted && !self.trusted.is_empty();
        match target.address() {
            Some(address) if self.allows(&target, address, is_trusted) => {}
            Some(address) if is_public(address) => self.check_way(&target)?,
            Some(_) => return Err(not_allowed("must not lead to an address that is not public")),
            None if may_be_inside => {}
            None => self.check_way(&target)?,
        }
        Ok(target)
    }

    fn check_way(&self, target: &Target) -> Result<(), Fault> {
        if !target.is_encrypted {
            return Err(not_allowed("must begin with https://"));
        }
        if !self.ports.contains(&target.port) {
            let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
            return Err(Fault::new(FaultCode::NotAllowed, format!("must use the port {}", ports.join(" or "))));
        }
        Ok(())
    }

    /// Returns whether a call of this target may go to this address.
    pub(super) fn allows(&self, target: &Target, address: IpAddr, is_trusted: bool) -> bool {
        let end = reached(address);
        let is_inside = is_trusted && self.trusted.iter().any(|network| network.contains(&end));
        is_inside || (is_public(address) && self.check_way(target).is_ok())
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
