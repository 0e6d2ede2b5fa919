//! What the files of the certificate must be.
use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use loadmaster_platform::{
    certificate::CertificateFiles,
    settings::{Settings, Sources},
};
use loadmaster_testkit::{TlsFiles, certificates::convert, command::loadmaster};

/// What is wrong with the files, or the certificate's fingerprint.
fn load(files: &TlsFiles) -> Result<String, String> {
    let overrides = files.settings().map(|(name, value)| (name.to_owned(), value)).to_vec();
    let settings = Settings::load(Sources { overrides, ..Sources::default() }).unwrap();
    let loaded = CertificateFiles::of(&settings.server).unwrap().load();
    loaded.map(|certificate| certificate.fingerprint()).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_key_may_have_any_usual_format() {
    let files = TlsFiles::new();
    let fingerprint = load(&files).unwrap();
    assert_eq!(fingerprint.len(), 32 * 3 - 1, "{fingerprint}");
    convert(files.directory(), &["rsa", "-traditional"], "first.key", "pkcs1.key");
    assert!(fs::read_to_string(files.at("pkcs1.key")).unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    files.place("first", "pkcs1");
    assert_eq!(load(&files), Ok(fingerprint));
    loadmaster_testkit::certificates::issue_elliptic(files.directory(), "authority", "elliptic", "localhost");
    for key in ["elliptic", "sec1"] {
        files.place("elliptic", key);
        load(&files).unwrap();
        if key == "elliptic" {
            convert(files.directory(), &["ec"], "elliptic.key", "sec1.key");
            assert!(fs::read_to_string(files.at("sec1.key")).unwrap().contains("-----BEGIN EC PRIVATE KEY-----"));
        }
    }
}

/// A certificate as `openssl x509 -req` makes it without extensions.
fn of_version_1(files: &TlsFiles) -> Vec<u8> {
    let mut certificate = files.certificate("first").to_vec();
    let version = certificate.windows(5).position(|bytes| bytes == b"\xa0\x03\x02\x01\x02").unwrap();
    certificate[version + 4] = 0;
    let text = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").into_bytes()
}

/// Each fault of the files, and what is said of it.
fn faults(files: &TlsFiles) -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let (certificate, key) = (fs::read(files.at("first.crt")).unwrap(), fs::read(files.at("first.key")).unwrap());
    let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec();
    let no_key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec();
    let no_certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    vec![
        ("tls.crt", Vec::new(), "server.tls_cert_file", "is empty"),
        ("tls.key", Vec::new(), "server.tls_key_file", "is empty"),
        ("tls.crt", certificate[..certificate.len() / 2].to_vec(), "server.tls_cert_file", "ends within a section"),
        ("tls.key", key[..key.len() / 2].to_vec(), "server.tls_key_file", "ends within a section"),
        ("tls.crt", key.clone(), "server.tls_cert_file", "has no PEM certificate"),
        ("tls.key", certificate.clone(), "server.tls_key_file", "has no private key"),
        ("tls.key", encrypted, "server.tls_key_file", "without a passphrase"),
        ("tls.key", no_key, "server.tls_key_file", "has no usable key"),
        ("tls.crt", no_certificate.clone(), "server.tls_cert_file", "has a certificate that is malformed"),
        (
            "tls.crt",
            [certificate, no_certificate].concat(),
            "server.tls_cert_file",
            "has a certificate that is malformed",
        ),
        ("tls.crt", of_version_1(files), "server.tls_cert_file", "not of X.509 version 3"),
        ("tls.crt", b"-----BEGIN CERTIFICATE\n".to_vec(), "server.tls_cert_file", "is not PEM"),
        ("tls.key", vec![b'x'; 1024 * 1024 + 1], "server.tls_key_file", "is larger than 1048576 bytes"),
        (
            "tls.key",
            fs::read(files.at("second.key")).unwrap(),
            "server.tls_key_file",
            "does not belong to the first certificate",
        ),
        // The authority's certificate belongs after the server's.
        (
            "tls.crt",
            [fs::read(files.at("authority.crt")).unwrap(), fs::read(files.at("first.crt")).unwrap()].concat(),
            "server.tls_key_file",
            "does not belong to the first certificate",
        ),
    ]
}

#[test]
fn each_fault_names_its_setting_without_a_word_of_the_key() {
    let files = TlsFiles::new();
    files.issue("second", 2);
    for (name, content, setting, words) in faults(&files) {
        files.place("first", "first");
        files.put(name, &content);
        let told = load(&files).unwrap_err();
        assert!(told.starts_with(setting) && told.contains(name) && told.contains(words), "{told}");
        let key = fs::read_to_string(files.at("second.key")).unwrap();
        assert!(!key.lines().any(|line| told.contains(line)), "{told}");
    }
    files.place("first", "first");
    let chain = [fs::read(files.at("first.crt")).unwrap(), fs::read(files.at("authority.crt")).unwrap()].concat();
    files.put("tls.crt", &chain);
    load(&files).expect("a chain");
    fs::remove_file(files.at("tls.key")).unwrap();
    let told = load(&files).unwrap_err();
    assert!(told.starts_with("server.tls_key_file: ") && told.contains("cannot be read: No such file"), "{told}");
}

#[tokio::test]
async fn a_fault_stops_the_start() {
    let files = TlsFiles::new();
    files.issue("second", 2);
    files.place("first", "second");
    let [certificate, key] = files.settings().map(|(name, value)| format!("{name}={value}"));
    let serve = ["--set", "server.port=0", "--set", &certificate, "--set", &key, "serve"];
    let told = loadmaster(&serve).run().await.complained();
    assert!(told.starts_with("loadmaster: server.tls_key_file: ") && told.contains("does not belong"), "{told}");
    for (given, missing) in [(&certificate, "server.tls_key_file"), (&key, "server.tls_cert_file")] {
        let told = loadmaster(&["--set", given, "serve"]).run().await.complained();
        assert!(told.starts_with(&format!("loadmaster: {missing} is needed with server.tls_")), "{told}");
    }
}
