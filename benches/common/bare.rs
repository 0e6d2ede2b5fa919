//! The least that an axum server can do: one handler, one body.
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use axum::{Router, body::Bytes, http::header, routing::any};
use tokio::net::{TcpListener, TcpStream};

use super::site::free_port;

/// What the process is that [`Bare`] starts.
pub async fn serve(body: &str, port: u16) {
    let body = Bytes::from(std::fs::read(body).unwrap());
    let answer = move || {
        let body = body.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], body) }
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, Router::new().route("/{*path}", any(answer))).await.unwrap();
}

pub struct Bare {
    pub address: SocketAddr,
    pub bytes: usize,
    process: Child,
}

impl Bare {
    pub async fn start(directory: &Path, name: &str, bytes: usize) -> Self {
        let body = directory.join(format!("{}.body", name.replace(['/', ' ', ','], "_")));
        std::fs::write(&body, vec![b'x'; bytes]).unwrap();
        let port = free_port();
        let this = std::env::current_exe().unwrap();
        let process = Command::new(this).arg("bare").arg(&body).arg(port.to_string()).spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { address, bytes, process }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
