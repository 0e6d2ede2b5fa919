//! Requests that nginx and an instance could take for different ones: over the connections that nginx keeps to its instances,
//! nobody gets the answer to another's request, and none is carried past nginx.
use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{proxy::Site, support::is_long};

/// Bounds a wait for an answer that may never come.
const PATIENCE: Duration = Duration::from_secs(3);
/// Requests of others after each of the hostile ones: more than nginx keeps connections.
const OTHERS: usize = 40;

/// Headers that leave open where a body ends, and what stands before the hidden request: CL.TE, TE.CL, TE.TE, and lengths that
/// contradict each other.
const AMBIGUOUS: [(&str, &str); 16] = [
    ("Content-Length: {all}\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: {all}", "0\r\n\r\n"),
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "{chunk}"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "{chunk}"),
    ("Content-Length: {all}\r\nTransfer-Encoding: xchunked", "0\r\n\r\n"),
    ("Content-Length: {all}\r\nTransfer-Encoding : chunked", "0\r\n\r\n"),
    ("Content-Length: {all}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
    ("Content-Length: {all}\r\nTransfer-Encoding:\x0bchunked", "0\r\n\r\n"),
    ("Content-Length: {all}\r\nX: x\r\n\tTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Content-Length: {all}\r\nX: x\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Content-Length: 0\r\nContent-Length: {all}", ""),
    ("Content-Length: {all}\r\nContent-Length: 0", ""),
    ("Content-Length: 0, {all}", ""),
    ("Content-Length: +0", ""),
    ("Content-Length: 0\r\n {all}", ""),
    ("Transfer-Encoding: chunked", "0;a=\n\r\n\r\n"),
];

/// nginx shows it to nobody, and every instance to whoever reaches it.
const HIDDEN: &str = "GET /metrics HTTP/1.1\r\nHost: here\r\nX-Request-Id: hidden\r\n\r\n";
/// In the answer to it.
const METRICS: &str = "# TYPE ";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_carried_past_nginx_and_each_caller_gets_its_own_response() {
    if !is_long() {
        return;
    }
    let site = Site::start().await;
    let direct = exchange(site.instances()[0], HIDDEN).await;
    assert!(direct.contains(METRICS), "an instance shows what nginx hides: {direct}");
    let (mut refused, chunk) = (0, format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len()));
    for (number, (headers, before)) in AMBIGUOUS.into_iter().enumerate() {
        let body = if before == "{chunk}" { chunk.clone() } else { format!("{before}{HIDDEN}") };
        let headers = headers.replace("{all}", &body.len().to_string());
        let request = format!(
            "POST /api/v1/routes/search HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}"
        );
        let answers = exchange(site.address(), &request).await;
        assert!(!answers.contains(METRICS), "{headers:?} was carried past nginx: {answers}");
        refused += usize::from(answers.starts_with("HTTP/1.1 400"));
        for other in 0..OTHERS {
            let id = format!("other-{number}-{other}");
            let wish = format!(
                "GET /api/v1/airports/DEL HTTP/1.1\r\nHost: here\r\nConnection: close\r\nX-Request-Id: {id}\r\n\r\n"
            );
            let answer = exchange(site.address(), &wish).await;
            let is_own = answer.to_lowercase().contains(&format!("x-request-id: {id}\r\n"));
            assert!(answer.starts_with("HTTP/1.1 200") && is_own, "{id}, after {headers:?}: {answer}");
        }
    }
    println!("of {} hostile requests {refused} were refused; nobody else noticed", AMBIGUOUS.len());
    assert!(refused >= 8, "most of them are refused at sight");
    site.audit();
}

/// Sends these bytes, and returns what is answered until the connection ends or nothing comes any more.
async fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    _ = stream.write_all(request.as_bytes()).await;
    let (mut answer, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(Ok(length @ 1..)) = timeout(PATIENCE, stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
