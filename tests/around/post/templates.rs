use std::{fs, path::Path};

use loadmaster_testkit::{SmtpServer, WorldOptions};

use super::{mailing, register, taken};

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn files_override_templates_one_by_one() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "en/verify_email.subject", "Welcome\n at {{ public_host }}\n");
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("notifications.templates_dir", directory.path().to_str().unwrap()).start().await;
    register(&world, "ann@example.org").await;
    let mail = taken(&relay, 1).await.remove(0);
    assert_eq!(mail.header("Subject"), "Welcome at cargo.example.com");
    assert!(mail.text().contains("please confirm that this is your e-mail address"));
}

#[tokio::test]
async fn a_language_of_files_is_used_and_what_it_lacks_is_english() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "nl/verify_email.subject", "Bevestig uw adres één keer");
    write(directory.path(), "nl/verify_email.txt", "Goedendag, hier: {{ link }} voor één keer");
    write(
        directory.path(),
        "nl/verify_email.html",
        "{% extends 'layout.html' %}{% block content %}<p>{{ link }}</p>{% endblock %}",
    );
    let relay = SmtpServer::start().await;
    let world = mailing(&relay)
        .set("notifications.templates_dir", directory.path().to_str().unwrap())
        .set("notifications.language", "nl-BE")
        .start()
        .await;
    register(&world, "ann@example.org").await;
    let mail = taken(&relay, 1).await.remove(0);
    assert!(mail.header("Subject").contains("=?utf-8?"), "{}", mail.header("Subject"));
    assert!(mail.content.is_ascii());
    assert!(mail.text().contains("Goedendag, hier: https://cargo.example.com/verify-email/"), "{}", mail.text());
    assert!(mail.text().contains("<html lang=\"nl\">"));
    let forgot = serde_json::json!({"email": "ann@example.org"});
    world.anonymous().post("/api/v1/auth/password/forgot", forgot).await.expect(202);
    assert_eq!(taken(&relay, 2).await[1].header("Subject"), "Set a new password");
}

#[tokio::test]
async fn a_faulty_override_stops_the_start_with_its_name() {
    let faulty = [
        ("en/verify_email.txt", "{{ link", "en/verify_email.txt"),
        ("en/verify_email.txt", "{{ linc }}", "en/verify_email.txt"),
        ("en/layout.html", "{{ nothing }}", "en/layout.html"),
        ("en/verify_emial.txt", "{{ link }}", "en/verify_emial.txt"),
        ("fr/verify_email.txt", "{{ link }}", "fr/verify_email.subject"),
        ("verify_email.txt", "{{ link }}", "verify_email.txt"),
    ];
    for (name, text, told) in faulty {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), name, text);
        let database = loadmaster_testkit::TestDatabase::light().await;
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_loadmaster"));
        command.env_clear().envs(database.environment()).env("PATH", std::env::var_os("PATH").unwrap());
        command.arg("serve").args(["--set", "server.port=0"]);
        let setting = format!("notifications.templates_dir={}", directory.path().display());
        let ended = command.args(["--set", &setting]).kill_on_drop(true).output();
        let ended = tokio::time::timeout(std::time::Duration::from_mins(1), ended).await.expect("it ends").unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
        assert!(!ended.status.success(), "{name}: {said}");
        assert!(said.contains(told), "{name}: {said}");
    }
    // The same with none of them.
    drop(WorldOptions::default().start().await);
}
