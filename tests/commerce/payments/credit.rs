//! Credit of organizations: limits, charges, refunds, payments, and what is written of them.
use loadmaster_accounts::Role;
use loadmaster_kernel::Money;
use loadmaster_payments::{Charge, CreditRefund, CreditRefusal, charge_in_tx, refund_credit_in_tx};
use loadmaster_platform::postgres::commit;
use loadmaster_testkit::{
    Answer, Client, World, WorldOptions,
    payments::{audit_of_charges, usd},
};
use serde_json::{Value, json};
use uuid::Uuid;

struct Account {
    world: World,
    admin: Client,
    customer: Client,
    organization: Uuid,
}

impl Account {
    async fn with_limit(amount: &str) -> Self {
        Self::of(WorldOptions::default().set("auth.access_token_minutes", "100000").start().await, amount).await
    }

    async fn of(world: World, amount: &str) -> Self {
        let organization = Uuid::new_v4();
        let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
        let this = Self { admin: world.admin().await, world, customer, organization };
        this.set_limit(amount, "USD").await.expect(200);
        this
    }

    fn path(&self) -> String {
        format!("/api/v1/organizations/{}/credit", self.organization)
    }

    async fn set_limit(&self, amount: &str, currency: &str) -> Answer {
        self.admin.patch(&self.path(), json!({"limit": {"amount": amount, "currency": currency}})).await
    }

    async fn pay(&self, amount: &str) -> Answer {
        let body = json!({"amount": {"amount": amount, "currency": "USD"}, "reference": "INV-2026/17"});
        self.admin.post(&format!("{}/payments", self.path()), body).await
    }

    async fn charge(&self, amount: Money) -> Result<(), CreditRefusal> {
        let charge = Charge {
            organization: self.organization.into(),
            payment: Uuid::now_v7().into(),
            booking: Some((Uuid::now_v7().into(), "ACB123456789".parse().unwrap())),
            amount,
            actor: None,
        };
        let mut tx = self.world.db.begin().await.unwrap();
        let charged = charge_in_tx(&mut tx, &[charge], self.world.now()).await.unwrap().pop().unwrap();
        commit(tx).await.unwrap();
        charged
    }

    async fn refund(&self, amount: Money) {
        let refund = CreditRefund {
            organization: self.organization.into(),
            payment: Uuid::now_v7().into(),
            booking: None,
            amount,
            actor: None,
        };
        let mut tx = self.world.db.begin().await.unwrap();
        refund_credit_in_tx(&mut tx, &[refund], self.world.now()).await.unwrap();
        commit(tx).await.unwrap();
    }

    async fn shown(&self) -> Value {
        self.customer.get(&self.path()).await.expect(200)
    }

    async fn figures(&self) -> [String; 3] {
        let shown = self.shown().await;
        ["limit", "used", "available"].map(|member| shown[member]["amount"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn twenty_charges_at_once_within_credit_for_ten_are_ten() {
    let account = Account::of(WorldOptions::patient().start().await, "1000.00").await;
    let charges = (0..20).map(|_| account.charge(usd(10_000)));
    let outcomes = futures_util::future::join_all(charges).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
    let refused = Err(CreditRefusal::Exceeded { available: usd(0) });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused).count(), 10);
    assert_eq!(account.figures().await, ["1000.00", "1000.00", "0.00"]);
    let entries = account.shown().await["entries"].clone();
    let numbers: Vec<_> = entries.as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=11).rev().collect::<Vec<_>>());
    audit_of_charges(&account.world).await;
}

#[tokio::test]
async fn what_is_used_follows_charges_refunds_and_payments() {
    let account = Account::with_limit("500.00").await;
    account.charge(usd(30_000)).await.unwrap();
    assert_eq!(account.charge(usd(20_001)).await, Err(CreditRefusal::Exceeded { available: usd(20_000) }));
    account.charge(usd(20_000)).await.unwrap();
    account.refund(usd(5_000)).await;
    assert_eq!(account.figures().await, ["500.00", "450.00", "50.00"]);
    let entry = account.pay("450.00").await.expect(201);
    assert_eq!(
        (&entry["kind"], &entry["seq"], &entry["used"]["amount"]),
        (&json!("PAYMENT"), &json!(5), &json!("0.00"))
    );
    let refused = account.pay("0.01").await.expect_problem(409, "payment_not_possible");
    assert_eq!((&refused["reason"], &refused["used"]), (&json!("exceeds_used"), &json!(usd(0))));
    // What was paid and is refunded is a balance in the organization's favour.
    account.refund(usd(1_000)).await;
    assert_eq!(account.figures().await, ["500.00", "-10.00", "510.00"]);
    let seen = account.customer.get(&account.path()).await;
    let tag = seen.header("etag").unwrap();
    let request = account.customer.request(reqwest::Method::GET, &account.path()).header("if-none-match", tag);
    assert_eq!(request.send().await.unwrap().status(), 304);
    audit_of_charges(&account.world).await;
}

#[tokio::test]
async fn a_limit_below_what_is_used_stops_new_charges_and_nothing_else() {
    let account = Account::with_limit("500.00").await;
    account.charge(usd(40_000)).await.unwrap();
    let answer = account.set_limit("100.00", "USD").await;
    assert_eq!(answer.header("etag"), Some("\"3\""));
    let limit = answer.expect(200);
    assert_eq!((&limit["available"], &limit["used"]), (&json!(usd(0)), &json!(usd(40_000))));
    assert_eq!(account.charge(usd(1)).await, Err(CreditRefusal::Exceeded { available: usd(0) }));
    account.refund(usd(10_000)).await;
    account.pay("200.00").await.expect(201);
    account.set_limit("100.00", "USD").await.expect(200);
    assert_eq!(account.shown().await["entries"].as_array().unwrap().len(), 5, "the same limit is no change");
    audit_of_charges(&account.world).await;
}

#[tokio::test]
async fn an_account_has_one_currency() {
    let account = Account::with_limit("500.00").await;
    let faults = account.set_limit("500", "JPY").await.expect_faults();
    assert_eq!(faults, [("/limit/currency".to_owned(), "unknown_value".to_owned())]);
    let yen = Money::new(100, "JPY".parse().unwrap());
    assert_eq!(account.charge(yen).await, Err(CreditRefusal::OtherCurrency("USD".parse().unwrap())));
    let path = format!("{}/payments", account.path());
    let body = json!({"amount": {"amount": "5", "currency": "JPY"}, "reference": "1"});
    let faults = account.admin.post(&path, body).await.expect_faults();
    assert_eq!(faults, [("/amount/currency".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn credit_is_shown_to_its_organization_and_to_staff() {
    let account = Account::with_limit("500.00").await;
    let (stranger, operator) = (account.world.customer().await, account.world.operator().await);
    for rest in ["", "/entries", "/statement?from=2026-11-01&to=2026-11-30"] {
        let path = account.path() + rest;
        stranger.get(&path).await.expect_problem(404, "not_found");
        operator.get(&path).await.expect(200);
        account.customer.get(&path).await.expect(200);
        account.world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    }
    let limit = json!({"limit": {"amount": "1", "currency": "USD"}});
    account.customer.patch(&account.path(), limit.clone()).await.expect_problem(403, "forbidden");
    operator.patch(&account.path(), limit.clone()).await.expect_problem(403, "forbidden");
    let nowhere = format!("/api/v1/organizations/{}/credit", Uuid::new_v4());
    account.admin.get(&nowhere).await.expect_problem(404, "not_found");
    account.admin.patch(&nowhere, limit).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn what_is_missing_is_named_the_organization_or_its_account() {
    let account = Account::with_limit("500.00").await;
    let (nobody, other) = (Uuid::new_v4(), Uuid::new_v4());
    let own = account.world.caller_in(Role::Customer, Uuid::new_v4(), other).await;
    let detail = async |client: &Client, id: Uuid| {
        let answer = client.get(&format!("/api/v1/organizations/{id}/credit")).await;
        answer.expect_problem(404, "not_found")["detail"].clone()
    };
    let (unknown, without) = (
        |id: Uuid| json!(format!("There is no organization {id}, or it is not yours.")),
        format!("Organization {other} has no credit account."),
    );
    assert_eq!(detail(&account.admin, nobody).await, unknown(nobody));
    assert_eq!(detail(&own, account.organization).await, unknown(account.organization));
    assert_eq!(detail(&own, other).await, json!(without));
    assert_eq!(detail(&account.admin, other).await, json!(without));
    let body = json!({"amount": {"amount": "1.00", "currency": "USD"}, "reference": "INV-1"});
    let paid = account.admin.post(&format!("/api/v1/organizations/{other}/credit/payments"), body).await;
    assert_eq!(paid.expect_problem(404, "not_found")["detail"], json!(without));
}

#[tokio::test]
async fn bad_input_is_reported_by_its_members() {
    let account = Account::with_limit("500.00").await;
    let faults = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    for (body, expected) in [
        (json!({}), faults("/limit", "required")),
        (json!({"limit": null}), faults("/limit", "required")),
        (json!({"limit": {"amount": "1"}}), faults("/limit/currency", "required")),
        (json!({"limit": {"amount": "1.001", "currency": "USD"}}), faults("/limit/amount", "too_precise")),
        (json!({"limit": {"amount": "-1", "currency": "USD"}}), faults("/limit/amount", "too_small")),
        (json!({"limit": {"amount": 1, "currency": "USD"}}), faults("/limit/amount", "wrong_type")),
        (json!({"limit": {"amount": "1", "currency": "XAU"}}), faults("/limit/currency", "unknown_value")),
    ] {
        assert_eq!(account.admin.patch(&account.path(), body.clone()).await.expect_faults(), expected, "{body}");
    }
    let path = format!("{}/payments", account.path());
    for (amount, reference, expected) in [
        ("0", "1", faults("/amount/amount", "too_small")),
        ("1", "", faults("/reference", "too_short")),
        ("1", "Jane, Doe", faults("/reference", "invalid_format")),
        ("1", &"x".repeat(65), faults("/reference", "too_long")),
    ] {
        let body = json!({"amount": {"amount": amount, "currency": "USD"}, "reference": reference});
        assert_eq!(account.admin.post(&path, body).await.expect_faults(), expected, "{amount} {reference}");
    }
    let statement = |query: &str| format!("{}/statement{query}", account.path());
    for (query, expected) in [
        ("?from=2026-11-02&to=2026-11-01", faults("to", "out_of_order")),
        ("?from=2026-01-01&to=2027-12-31", faults("to", "out_of_order")),
        ("?from=2026-01-01", faults("to", "required")),
    ] {
        assert_eq!(account.customer.get(&statement(query)).await.expect_faults(), expected, "{query}");
    }
    let stale = account.admin.request(reqwest::Method::PATCH, &account.path()).header("if-match", "\"7\"");
    let stale = stale.header("content-type", "application/json");
    let stale = stale.body(json!({"limit": {"amount": "1", "currency": "USD"}}).to_string());
    Answer::of(stale).await.expect_problem(412, "version_mismatch");
    assert_eq!(account.figures().await, ["500.00", "0.00", "500.00"]);
}

#[tokio::test]
async fn a_payment_under_one_key_counts_once() {
    let account = Account::with_limit("500.00").await;
    account.charge(usd(30_000)).await.unwrap();
    let body = json!({"amount": {"amount": "100.00", "currency": "USD"}, "reference": "1"});
    for round in 0..3 {
        let request = account.admin.request(reqwest::Method::POST, &format!("{}/payments", account.path()));
        let request = request.header("idempotency-key", "paid").header("content-type", "application/json");
        let answer = Answer::of(request.body(body.to_string())).await;
        assert_eq!(answer.header("idempotency-replayed").is_some(), round > 0);
        answer.expect(201);
    }
    assert_eq!(account.figures().await, ["500.00", "200.00", "300.00"]);
    let acts = account.admin.get("/api/v1/admin/audit?act=credit.paid").await.expect(200);
    assert_eq!(acts.as_array().unwrap().len(), 1);
    assert_eq!(acts[0]["data"]["amount"], json!(usd(10_000)));
    audit_of_charges(&account.world).await;
}

#[tokio::test]
async fn two_first_limits_at_once_open_one_account() {
    let world = WorldOptions::patient().start().await;
    let (admin, organization) = (world.admin().await, Uuid::new_v4());
    world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let path = format!("/api/v1/organizations/{organization}/credit");
    let set =
        (1..=8).map(|number| admin.patch(&path, json!({"limit": {"amount": number.to_string(), "currency": "USD"}})));
    // Reads `set` once.
    let path = path.clone();
    for answer in futures_util::future::join_all(set).await {
        answer.expect(200);
    }
    let shown = admin.get(&path).await.expect(200);
    assert_eq!(shown["entries"].as_array().unwrap().len(), 8);
    world.audit().await;
}

#[tokio::test]
async fn a_statement_adds_up_from_its_opening_to_its_closing() {
    let account = Account::with_limit("500.00").await;
    account.charge(usd(30_000)).await.unwrap();
    account.world.clock.advance(chrono::TimeDelta::days(1));
    account.pay("100.50").await.expect(201);
    let answer = account.customer.get(&format!("{}/statement?from=2026-11-21&to=2026-11-21", account.path())).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(lines.len(), 4, "{}", answer.text);
    assert_eq!(lines[1], "2,2026-11-21,OPENING,,300.00,500.00,USD,,,");
    let at = lines[2].split(',').nth(1).unwrap();
    assert!(at.starts_with("2026-11-21T") && at.ends_with('Z'), "{at}");
    assert!(lines[2].contains(",PAYMENT,100.50,199.50,500.00,USD,,,INV-2026/17"), "{}", lines[2]);
    assert_eq!(lines[3], "3,2026-11-21,CLOSING,,199.50,500.00,USD,,,");
    let all = account.customer.get(&format!("{}/statement?from=2026-11-20&to=2026-11-30", account.path())).await;
    assert!(all.text.lines().nth(1).unwrap().ends_with("OPENING,,0.00,0.00,USD,,,"), "{}", all.text);
    assert!(all.text.contains(",CHARGE,300.00,300.00,500.00,USD,"), "{}", all.text);
    let page = account.customer.get(&format!("{}/entries?limit=2", account.path())).await;
    assert!(page.header("link").is_some());
    assert_eq!(page.body[0]["seq"], 3);
}
