use serde_json::json;

use super::*;

fn found(value: &Value) -> Option<ProviderPayment> {
    Intent::read(value).and_then(Intent::found)
}

#[test]
fn a_payment_is_read_in_the_providers_words() {
    let intent = |status: &str| json!({"id": "pi_1", "status": status, "amount": 1200, "currency": "jpy"});
    for (status, state) in [
        ("requires_capture", FoundState::Authorized),
        ("succeeded", FoundState::Captured),
        ("processing", FoundState::Pending),
        ("canceled", FoundState::Voided),
        ("requires_payment_method", FoundState::Failed(Failure::declined("declined"))),
        ("requires_action", FoundState::RequiresAction(None)),
    ] {
        let found = found(&intent(status)).unwrap();
        assert_eq!((found.state, found.amount.to_string()), (state, "1200 JPY".to_owned()), "{status}");
    }
    assert_eq!(found(&intent("something_new")), None);
    assert_eq!(found(&json!({"id": "pi_1", "status": "succeeded", "amount": 1})), None);
    let url = json!({"redirect_to_url": {"url": "https://bank.example/confirm"}});
    let mut waits = intent("requires_action");
    waits["next_action"] = url;
    let state = FoundState::RequiresAction(Some("https://bank.example/confirm".to_owned()));
    assert_eq!(found(&waits).unwrap().state, state);
    waits["next_action"]["redirect_to_url"]["url"] = "javascript:alert(1)".into();
    assert_eq!(found(&waits).unwrap().state, FoundState::RequiresAction(None));
}

#[test]
fn amounts_are_read_as_they_are_written() {
    for (currency, units, minor) in [("ugx", 5_000_000, 50_000), ("jpy", 500, 500), ("kwd", 1_500, 1_500)] {
        let value = json!({"id": "pi_1", "status": "succeeded", "amount": units, "currency": currency,
                           "amount_received": units, "latest_charge": {"amount_refunded": units}});
        let found = found(&value).unwrap();
        assert_eq!((found.amount.minor(), found.captured, found.refunded), (minor, minor, Some(minor)), "{value}");
    }
    let half = json!({"id": "pi_1", "status": "succeeded", "amount": 150, "currency": "ugx"});
    assert_eq!(found(&half), None);
}

#[test]
fn a_confirmation_says_what_becomes_of_redirects() {
    assert_eq!(redirects(Some("https://cargo.example")), [("return_url", "https://cargo.example")]);
    let without = form_urlencoded(&redirects(None));
    let both = "automatic_payment_methods%5Benabled%5D=true&automatic_payment_methods%5Ballow_redirects%5D=never";
    assert_eq!(without, both);
}

#[test]
fn rounded_refunds_add_up_to_the_rounded_amount() {
    let refund = |amount: i64, before: i64| {
        let (operation, payment) = (uuid::Uuid::nil().into(), uuid::Uuid::nil().into());
        let amount = Money::new(amount, "KWD".parse().unwrap());
        let (reference, refund) = (None, None);
        refund_units(&Call {
            operation,
            payment,
            amount,
            refunded_before: before,
            reference,
            refund,
            is_repeated: false,
        })
    };
    assert_eq!([refund(1_505, 0), refund(757, 0), refund(757, 757), refund(4, 0)], [1_510, 760, 750, 0]);
}

#[test]
fn the_reason_of_a_decline_is_a_plain_word_without_the_token() {
    let fault = |value: Value| ProviderFault::deserialize(value).unwrap();
    let code = |fault: &ProviderFault, token: &str| match fault.declined(Some(&token.into())) {
        Outcome::Declined { failure, .. } => failure.code,
        other => panic!("{other:?}"),
    };
    let card = fault(json!({"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}));
    assert_eq!(code(&card, "pm_x"), "insufficient_funds");
    let quoting = fault(json!({"type": "invalid_request_error", "code": "no_such_pm_x"}));
    assert_eq!(code(&quoting, "pm_x"), "declined");
    let prose = fault(json!({"type": "card_error", "code": "Jane Doe has no money"}));
    assert_eq!(code(&prose, "pm_x"), "declined");
}

#[test]
fn names_stand_in_addresses_as_they_are() {
    assert_eq!(escaped("pi_3N-x.y~Z"), "pi_3N-x.y~Z");
    assert_eq!(escaped("a/b?c#d e%"), "a%2Fb%3Fc%23d%20e%25");
}
