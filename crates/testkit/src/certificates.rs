use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Makes an authority of this name in the directory, and returns its certificate.
pub fn authority(directory: &Path, name: &str) -> PathBuf {
    let certificate = directory.join(format!("{name}.crt"));
    let key = directory.join(format!("{name}.key"));
    let subject = format!("/CN={name}");
    let made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject, "-keyout"];
    openssl(Command::new("openssl").args(made).arg(key).arg("-out").arg(&certificate));
    certificate
}

/// Makes `server.crt` and `server.key` for a host, signed by an authority of [`authority`].
pub fn sign(directory: &Path, authority: &str, host: &str) {
    issue(directory, authority, "server", host, 2);
}

/// The same by another name than `server`, valid for this many days. What is valid for less than none has expired.
pub fn issue(directory: &Path, authority: &str, name: &str, host: &str, days: i32) {
    make(directory, authority, (name, &["rsa:2048"]), host, days);
}

/// The same with an elliptic key.
pub fn issue_elliptic(directory: &Path, authority: &str, name: &str, host: &str) {
    make(directory, authority, (name, &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]), host, 2);
}

fn make(directory: &Path, authority: &str, (name, key): (&str, &[&str]), host: &str, days: i32) {
    let at = |kind: &str| directory.join(format!("{name}.{kind}"));
    let (subject, days) = (format!("/CN={host}"), days.to_string());
    let ask = ["-nodes", "-subj", &subject, "-keyout"];
    openssl(
        Command::new("openssl").args(["req", "-newkey"]).args(key).args(ask).arg(at("key")).arg("-out").arg(at("csr")),
    );
    fs::write(at("extensions"), format!("subjectAltName=DNS:{host}\n")).unwrap();
    let sign = ["x509", "-req", "-days", &days, "-CAcreateserial", "-in"];
    let mut command = Command::new("openssl");
    command.args(sign).arg(at("csr")).arg("-CA").arg(directory.join(format!("{authority}.crt")));
    command.arg("-CAkey").arg(directory.join(format!("{authority}.key"))).arg("-extfile").arg(at("extensions"));
    openssl(command.arg("-out").arg(at("crt")));
}

/// Writes the key `from` in another of its formats.
pub fn convert(directory: &Path, conversion: &[&str], from: &str, to: &str) {
    let mut command = Command::new("openssl");
    openssl(command.args(conversion).arg("-in").arg(directory.join(from)).arg("-out").arg(directory.join(to)));
}

fn openssl(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().expect("openssl is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
