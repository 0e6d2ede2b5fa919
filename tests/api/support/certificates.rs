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
    let at = |name: &str| directory.join(name);
    let subject = format!("/CN={host}");
    let ask = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout"];
    openssl(Command::new("openssl").args(ask).arg(at("server.key")).arg("-out").arg(at("server.csr")));
    fs::write(at("extensions"), format!("subjectAltName=DNS:{host}\n")).unwrap();
    let sign = ["x509", "-req", "-days", "2", "-CAcreateserial", "-in"];
    let mut command = Command::new("openssl");
    command.args(sign).arg(at("server.csr")).arg("-CA").arg(at(&format!("{authority}.crt")));
    command.arg("-CAkey").arg(at(&format!("{authority}.key"))).arg("-extfile").arg(at("extensions"));
    openssl(command.arg("-out").arg(at("server.crt")));
}

fn openssl(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().expect("openssl is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
