//! Callers that send what no client would, slowly or without end. Nobody else notices, and nothing of it stays.
mod bodies;
mod crowds;
mod heads;
mod neighbour;
mod readers;
mod smuggled;
mod streams;
mod workbooks;

pub use streams::taken_back;

use loadmaster_testkit::Client;

/// A caller at this loopback address.
fn client_at(address: &str, base: &str) -> Client {
    let http = reqwest::Client::builder().no_proxy().local_address(address.parse::<std::net::IpAddr>().unwrap());
    Client { http: http.build().unwrap(), base: base.to_owned(), token: None }
}
