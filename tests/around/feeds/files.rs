//! A server of files.
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
};

/// Answers each GET as the test says.
pub struct Files {
    pub address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    answer: Mutex<Vec<u8>>,
    etag: Mutex<Option<String>>,
    heads: Mutex<Vec<String>>,
    /// What the next answer ends with, once it is known.
    rest: Mutex<Option<watch::Receiver<String>>>,
    going_on: Mutex<Option<watch::Sender<String>>>,
}

impl Drop for Files {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Files {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let answer = shared.answer_to(String::from_utf8(head).unwrap());
                _ = stream.write_all(&answer).await;
                let rest = shared.rest.lock().unwrap().take();
                if let Some(mut rest) = rest {
                    let known = rest.wait_for(|rest| !rest.is_empty()).await.map(|rest| rest.clone());
                    _ = stream.write_all(known.unwrap_or_default().as_bytes()).await;
                }
            }
        });
        Self { address, state, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/season?x=1", self.address)
    }

    /// Serves this file, and 304 to who has it.
    pub fn give(&self, file: &[u8], etag: &str) {
        let head = format!("HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n", file.len());
        *self.state.answer.lock().unwrap() = [head.as_bytes(), file].concat();
        *self.state.etag.lock().unwrap() = Some(etag.to_owned());
    }

    /// Answers with this, whatever it is.
    pub fn say(&self, answer: &str) {
        *self.state.answer.lock().unwrap() = answer.as_bytes().to_vec();
        *self.state.etag.lock().unwrap() = None;
    }

    /// Has the next answer wait before its end.
    pub fn wait(&self) {
        let (going_on, rest) = watch::channel(String::new());
        *self.state.rest.lock().unwrap() = Some(rest);
        *self.state.going_on.lock().unwrap() = Some(going_on);
    }

    /// Ends the answer that waits with this.
    pub fn go_on(&self, rest: &str) {
        let going_on = self.state.going_on.lock().unwrap().take().expect("one waits");
        going_on.send(rest.to_owned()).unwrap();
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }
}

impl State {
    fn answer_to(&self, head: String) -> Vec<u8> {
        let etag = self.etag.lock().unwrap().clone();
        let is_same = etag.is_some_and(|etag| head.contains(&format!("if-none-match: {etag}\r\n")));
        self.heads.lock().unwrap().push(head);
        if is_same { b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec() } else { self.answer.lock().unwrap().clone() }
    }
}
