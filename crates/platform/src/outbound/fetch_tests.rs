use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::outbound::{CallTimes, Network, Rules};

/// Tests that look at the open files of the process follow each other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A network that has the answers of the test for each look-up of a name, the last one for ever.
struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl Network for Names {
    fn addresses<'a>(&'a self, _: &'a str, _: bool) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut answers = self.answers.lock().unwrap();
        let found = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(found) })
    }

    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.dialled.lock().unwrap().push(to);
        Box::pin(TcpStream::connect(to))
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A client for which this machine is a trusted network, and what it looks up and calls.
fn client(answers: &[&[&str]], download: Duration) -> (Outbound, Arc<Names>) {
    let answers = answers.iter().map(|answer| addresses(answer)).collect();
    let names = Arc::new(Names { answers: Mutex::new(answers), dialled: Mutex::default() });
    let rules = Rules { ports: vec![443], trusted: vec!["127.0.0.0/8".parse().unwrap()] };
    let times = CallTimes { download, ..CallTimes::BRIEF };
    (Outbound::new(rules, times, names.clone(), Vec::new()), names)
}

/// Serves every connection by `answer`, which gets the head of the request. Returns the port.
async fn serve<F>(answer: impl Fn(String, TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            tokio::spawn(answer(String::from_utf8(head).unwrap(), stream));
        }
    });
    port
}

/// Serves one text to every connection.
async fn serve_text(text: &'static str) -> u16 {
    serve(move |_, mut stream| async move { stream.write_all(text.as_bytes()).await }).await
}

/// Writes blocks until the receiver goes away, at most this many.
async fn write_blocks(stream: &mut TcpStream, blocks: usize) -> io::Result<()> {
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..blocks {
        stream.write_all(&block).await?;
    }
    Ok(())
}

async fn get(client: &Outbound, port: u16, etag: Option<&str>, most: u64) -> Result<Fetched, FetchError> {
    let target = client.rules().judge(&format!("http://files.example:{port}/season?x=1"), true).unwrap();
    let headers = vec![(HeaderName::from_static("x-key"), HeaderValue::from_static("secret"))];
    client.get(&Fetch { target: &target, is_trusted: true, headers, etag, most }).await
}

/// Returns the number of files without a name that the process has open.
fn unnamed_files() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let temporary = std::env::temp_dir();
    links.filter(|link| link.starts_with(&temporary) && link.to_string_lossy().ends_with("(deleted)")).count()
}

/// Waits until no file is left: a write that was under way when its file was given up ends by itself.
async fn none_is_left() {
    let gone = async {
        while unnamed_files() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, gone).await.unwrap();
}

const HERE: &[&[&str]] = &[&["127.0.0.1"]];
const LONG: Duration = Duration::from_mins(1);
const MOST: u64 = 256 * 1024 * 1024;

#[tokio::test]
async fn a_file_is_received_with_its_tag_and_not_again_while_it_is_the_same() {
    let _alone = ALONE.lock().await;
    let port = serve(|head, mut stream| async move {
        assert!(head.starts_with("GET /season?x=1 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("x-key: secret\r\n"), "{head}");
        let same = head.contains("if-none-match: \"v1\"\r\n");
        let full = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 6\r\n\r\nseason";
        stream.write_all(if same { "HTTP/1.1 304 Not Modified\r\n\r\n" } else { full }.as_bytes()).await
    })
    .await;
    let (client, _) = client(HERE, LONG);
    let Fetched::File(file) = get(&client, port, None, MOST).await.unwrap() else { panic!("it has changed") };
    assert_eq!((file.length(), file.etag.as_deref(), unnamed_files()), (6, Some("\"v1\""), 1));
    assert_eq!(file.read().await.unwrap(), "season");
    none_is_left().await;
    assert!(matches!(get(&client, port, Some("\"v1\""), MOST).await, Ok(Fetched::NotModified)));
    assert!(matches!(get(&client, port, Some("\"v0\""), MOST).await, Ok(Fetched::File(_))));
}

#[tokio::test]
async fn a_fetch_fails_on_a_redirect_and_on_503_with_its_retry_after() {
    let _alone = ALONE.lock().await;
    let port = serve_text("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n").await;
    let (client, names) = client(HERE, LONG);
    let refused = get(&client, port, None, MOST).await.unwrap_err();
    assert_eq!((refused.why, refused.status), (NoFile::Redirected, Some(302)));
    assert_eq!(names.dialled.lock().unwrap().len(), 1);
    let port = serve_text("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n").await;
    let refused = get(&client, port, None, MOST).await.unwrap_err();
    assert_eq!(
        (refused.why, refused.status, refused.retry_after.as_deref()),
        (NoFile::Refused, Some(503), Some("120"))
    );
    // What nobody has is no answer to a plain request.
    let port = serve_text("HTTP/1.1 304 Not Modified\r\n\r\n").await;
    assert_eq!(get(&client, port, None, MOST).await.unwrap_err().why, NoFile::Redirected);
    none_is_left().await;
}

#[tokio::test]
async fn a_file_of_300_mib_is_refused_at_its_head_and_at_256_mib() {
    let _alone = ALONE.lock().await;
    let port = serve_text("HTTP/1.1 200 OK\r\nContent-Length: 314572800\r\n\r\nx").await;
    let (client, _) = client(HERE, LONG);
    assert_eq!(get(&client, port, None, MOST).await.unwrap_err().why, NoFile::TooLarge);
    let port = serve(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await?;
        write_blocks(&mut stream, 300 * 16).await
    })
    .await;
    assert_eq!(get(&client, port, None, MOST).await.unwrap_err().why, NoFile::TooLarge);
    none_is_left().await;
}

#[tokio::test]
async fn a_body_without_an_end_and_one_that_drips_end_in_bounded_time() {
    let _alone = ALONE.lock().await;
    let endless = serve(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await?;
        write_blocks(&mut stream, usize::MAX).await
    })
    .await;
    let (client, _) = client(HERE, LONG);
    assert_eq!(get(&client, endless, None, 1024 * 1024).await.unwrap_err().why, NoFile::TooLarge);
    let dripping = serve(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await?;
        let mut drips = tokio::time::interval(Duration::from_millis(10));
        loop {
            drips.tick().await;
            stream.write_all(b"x").await?;
        }
    })
    .await;
    let (client, _) = self::client(HERE, Duration::from_millis(300));
    assert_eq!(get(&client, dripping, None, MOST).await.unwrap_err().why, NoFile::Timeout);
    none_is_left().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_and_one_that_is_no_http_are_no_files() {
    let _alone = ALONE.lock().await;
    let port = serve_text("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it").await;
    let (client, _) = client(HERE, LONG);
    let broken = get(&client, port, None, MOST).await.unwrap_err();
    assert_eq!((broken.why, broken.status), (NoFile::BrokenOff, Some(200)));
    let port = serve_text("SSH-2.0-OpenSSH_9.6\r\n").await;
    let unreadable = get(&client, port, None, MOST).await.unwrap_err();
    assert_eq!((unreadable.why, unreadable.status), (NoFile::Unreadable, None));
    none_is_left().await;
}

#[tokio::test]
async fn a_name_that_turns_private_between_two_look_ups_is_not_called_there() {
    let _alone = ALONE.lock().await;
    let port = serve_text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let (client, names) = client(&[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.1", "169.254.169.254"]], LONG);
    assert!(get(&client, port, None, MOST).await.is_ok());
    for _ in 0..2 {
        assert_eq!(get(&client, port, None, MOST).await.unwrap_err().why, NoFile::Unreachable);
    }
    assert_eq!(*names.dialled.lock().unwrap(), [SocketAddr::from(([127, 0, 0, 1], port))]);
}
