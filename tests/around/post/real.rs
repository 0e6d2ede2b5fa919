//! The same relay as everybody's: `aiosmtpd`, with TLS.
use std::{fs, net::TcpStream, path::Path, process::Stdio};

use loadmaster_testkit::{SmtpServer, certificates, is_long, until};

use super::{mailing, register, settled};

/// Answers the port of a relay that puts its mails into `mails` below the directory.
async fn relay(directory: &Path, mails: &str, tls: [&str; 2]) -> (u16, tokio::process::Child) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = tokio::process::Command::new("aiosmtpd");
    command.args(["-n", "-l", &format!("127.0.0.1:{port}")]);
    command.arg(tls[0]).arg(directory.join("server.crt")).arg(tls[1]).arg(directory.join("server.key"));
    command.args(["-c", "aiosmtpd.handlers.Mailbox"]).arg(directory.join(mails));
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    until("the relay listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
    (port, child.expect("aiosmtpd is installed"))
}

#[tokio::test]
async fn a_real_relay_takes_mail_by_starttls_and_by_tls() {
    if !is_long() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    certificates::authority(directory.path(), "ours");
    certificates::authority(directory.path(), "theirs");
    certificates::sign(directory.path(), "ours", "localhost");
    let nowhere = SmtpServer::start().await;
    for (mails, tls, scheme, parameters) in [
        ("starttls", ["--tlscert", "--tlskey"], "smtp", "?tls=required"),
        ("tls", ["--smtpscert", "--smtpskey"], "smtps", ""),
    ] {
        let (port, _child) = relay(directory.path(), mails, tls).await;
        let url = format!("{scheme}://localhost:{port}{parameters}");
        let trusting = |authority: &str| {
            let file = directory.path().join(format!("{authority}.crt"));
            mailing(&nowhere).set("mail.url", &url).set("mail.ca_file", file.to_str().unwrap())
        };
        let world = trusting("ours").start().await;
        register(&world, "ann@example.org").await;
        settled(&world, "SENT", 1).await;
        let taken: Vec<_> = fs::read_dir(directory.path().join(mails).join("new")).unwrap().collect();
        assert_eq!(taken.len(), 1, "{mails}");
        let mail = fs::read_to_string(taken[0].as_ref().unwrap().path()).unwrap();
        assert!(mail.contains("Subject: Confirm your e-mail address"), "{mail}");

        let wary = trusting("theirs").start().await;
        register(&wary, "ann@example.org").await;
        let row = settled(&wary, "WAITING", 1).await;
        assert!(row.reason.is_some(), "{mails}");
        assert_eq!(fs::read_dir(directory.path().join(mails).join("new")).unwrap().count(), 1);
    }
}
