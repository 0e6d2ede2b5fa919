//! A token of a provider is passed on, and is nowhere else.
use std::path::PathBuf;

use loadmaster_testkit::payments::{SOON, usd};

use super::{
    Shop,
    hostile::asking,
    provider::{Hostile, SECRET, Trouble},
};

/// The tables in which any row contains this text.
async fn tables_with(shop: &Shop, secret: &str) -> Vec<String> {
    let tables = "select table_name from information_schema.tables
                  where table_schema = 'public' and table_type = 'BASE TABLE' order by 1";
    let mut found = Vec::new();
    for table in shop.world.texts(tables).await {
        let rows = format!("select count(*)::text from {table} t where t::text like '%{secret}%'");
        if shop.world.texts(&rows).await != ["0"] {
            found.push(table);
        }
    }
    found
}

#[tokio::test]
async fn a_token_is_in_no_table_and_in_no_log() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile).with_workers()).await.with_till();
    // The provider quotes it in its answers.
    let quoted = "pm_unheard_of_7f3a";
    let payment = shop.pay(quoted).await;
    assert_eq!(shop.status(payment).await, "FAILED");
    let charged = "pm_card_secret_51c9";
    let payment = shop.pay(charged).await;
    shop.until_status(payment, "CAPTURED").await;
    let lost = "pm_card_lost_88aa";
    hostile.expect(&[Trouble::Babbles]);
    let (payment, operation) = shop.promise(usd(700)).await;
    assert!(shop.payments().at_once(operation, Some(lost.into())).within(SOON).await);
    assert_eq!(shop.status(payment).await, "PROCESSING");
    for token in [quoted, charged, lost] {
        assert!(hostile.asked().iter().any(|(_, form)| form.contains(token)), "{token} was passed on");
        assert_eq!(tables_with(&shop, token).await, [""; 0], "{token}");
    }
    assert_eq!(tables_with(&shop, SECRET).await, [""; 0]);
    // The search would find them.
    assert_eq!(tables_with(&shop, "insufficient_nothing").await, [""; 0]);
    assert!(tables_with(&shop, "pi_1").await.contains(&"payments".to_owned()));
    if let Some(directory) = std::env::var_os("LOADMASTER_TEST_LOGS").map(PathBuf::from) {
        let log = std::fs::read_to_string(directory.join(format!("{}.log", std::process::id()))).unwrap();
        assert!(log.contains("payment provider asked"), "the log is that of this process");
        for secret in [quoted, charged, lost, SECRET] {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
    }
}

#[tokio::test]
async fn a_token_of_the_test_provider_is_kept_as_a_word() {
    let shop = Shop::open(loadmaster_testkit::payments::with_test()).await;
    shop.pay("tok_visa").await;
    shop.pay("tok_of_somebody_else").await;
    for token in ["tok_visa", "tok_of_somebody_else"] {
        assert_eq!(tables_with(&shop, token).await, [""; 0], "{token}");
    }
}
