//! The same address and the same password, written in different ways.
use loadmaster_testkit::World;

use super::{PASSWORD, log_in, register};

const IN_LETTERS: &str = "ann@bücher.example";
const IN_ASCII: &str = "ann@xn--bcher-kva.example";
/// `café au lait`, with one character for the last letter of the first word, and with two.
const COMPOSED: &str = "caf\u{e9} au lait";
const APART: &str = "cafe\u{301} au lait";

#[tokio::test]
async fn an_address_is_registered_once_in_both_spellings_of_its_domain() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, IN_LETTERS, PASSWORD).await.expect(201);
    register(&client, IN_ASCII, PASSWORD).await.expect_problem(409, "already_exists");
    register(&client, "Ann@BÜCHER.example", PASSWORD).await.expect_problem(409, "already_exists");
    for spelling in [IN_LETTERS, IN_ASCII, "ANN@XN--BCHER-KVA.EXAMPLE"] {
        let session = log_in(&client, spelling, PASSWORD).await.expect(200);
        assert_eq!(session["user"]["email"], IN_LETTERS, "as it was registered");
    }
}

#[tokio::test]
async fn an_account_that_was_registered_in_letters_before_is_found_in_both_spellings() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, IN_LETTERS, PASSWORD).await.expect(201);
    world.sql(&format!("update users set email_key = '{IN_LETTERS}' where email_key = '{IN_ASCII}'")).await;
    for spelling in [IN_LETTERS, IN_ASCII] {
        log_in(&client, spelling, PASSWORD).await.expect(200);
        register(&client, spelling, PASSWORD).await.expect_problem(409, "already_exists");
    }
}

#[tokio::test]
async fn a_password_is_the_same_in_each_form_in_which_it_is_typed() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, "ann@example.com", APART).await.expect(201);
    log_in(&client, "ann@example.com", COMPOSED).await.expect(200);
    log_in(&client, "ann@example.com", APART).await.expect(200);
    log_in(&client, "ann@example.com", "cafe au lait").await.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_hash_of_a_password_as_it_was_typed_is_accepted_once_and_renewed() {
    const FORMER: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$SjVd7aN4GAguSTWwbuxJGXoHMbR5El7h3z08hmNA5Y8";
    let world = World::start().await;
    let client = world.anonymous();
    let session = register(&client, "ann@example.com", PASSWORD).await.expect(201);
    world.sql(&format!("update users set password_hash = '{FORMER}'")).await;
    log_in(&client, "ann@example.com", COMPOSED).await.expect_problem(401, "invalid_credentials");
    log_in(&client, "ann@example.com", APART).await.expect(200);
    assert_eq!(world.texts(&format!("select id::text from users where password_hash = '{FORMER}'")).await, [""; 0]);
    log_in(&client, "ann@example.com", COMPOSED).await.expect(200);
    log_in(&client, "ann@example.com", APART).await.expect(200);
    super::me(&super::bearer(&world, &session)).await.expect(200);
}
