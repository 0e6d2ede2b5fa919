//! Customers book, pay, amend and cancel. Each repeats what was not answered under the same key, or goes away and comes back
//! later.
use std::sync::{Arc, Mutex};

use loadmaster_testkit::{
    Answer, Client, Dice,
    billing::{order_for, usd},
    freight::{BOOKINGS, path_of, text, with},
    holds::{HOLDS, at},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::stage::{Stage, Wish};

/// Refusals that a customer may meet whose hold ends, or whose payment is decided otherwise, while it is away.
const REFUSALS: [&str; 7] = [
    "hold_expired",
    "invalid_transition",
    "payment_in_progress",
    "payment_not_possible",
    "payment_declined",
    "quote_expired",
    "hold_limit_exceeded",
];

pub struct Customer {
    stage: Arc<Stage>,
    client: Client,
    dice: Dice,
}

impl Customer {
    pub async fn new(stage: &Arc<Stage>, dice: Dice) -> Self {
        Self { stage: stage.clone(), client: stage.customer().await, dice }
    }
}

/// What a customer does, and what it knows afterwards.
pub struct Script {
    stage: Arc<Stage>,
    customer: Mutex<(Client, Dice)>,
    /// The payments that it asked for, with the booking that it was told of.
    paid: Mutex<Vec<(Wish, Option<String>)>>,
    /// What it asked for afterwards, and whether it was answered.
    changes: Mutex<Vec<(Wish, bool)>>,
}

impl Script {
    pub fn of(customer: Customer) -> Self {
        let Customer { stage, client, dice } = customer;
        Self { stage, customer: Mutex::new((client, dice)), paid: Mutex::default(), changes: Mutex::default() }
    }

    fn customer(&self) -> (Client, Dice) {
        self.customer.lock().unwrap().clone()
    }

    pub async fn play(&self) {
        let (client, mut dice) = self.customer();
        let token = *dice.pick(&[
            "pm_card_visa",
            "pm_card_visa",
            "pm_card_visa",
            "pm_card_visa",
            "pm_action",
            "pm_processing",
            "pm_poor",
        ]);
        let Some(wish) = self.payment(&client, &mut dice, token).await else { return };
        let Some(answer) = self.pay(wish, &mut dice).await else { return };
        let booking = match answer.status.as_u16() {
            201 => Some(answer.body),
            402 if dice.below(2) == 0 => self.try_another_card(&client, &answer.body, &mut dice).await,
            _ => None,
        };
        let Some(booking) = booking else { return };
        let reference = booking["ref_id"].as_str().or(booking["booking_ref"].as_str()).unwrap().to_owned();
        self.go_on(&client, &json!({"ref_id": reference}), &mut dice).await;
    }

    /// Holds room, gets a quote or books, and returns the request that pays for it.
    async fn payment(&self, client: &Client, dice: &mut Dice, token: &str) -> Option<Wish> {
        let token = json!({"payment_token": token});
        match dice.below(4) {
            0 => {
                let quote = self.stage.quote(client, dice).await?;
                let order =
                    with(with(order_for(&self.stage.flight, json!({})), json!({"quote_id": quote["id"]})), token);
                Some(Wish::post(client, BOOKINGS, order))
            }
            1 => {
                let hold = self.stage.get(&Wish::post(client, HOLDS, self.stage.wanted()), dice).await?;
                let commit = Wish::post(client, format!("{}/commit", at(&hold)), json!({}));
                let booking = self.stage.get(&commit, dice).await?;
                Some(Wish::post(client, format!("{}/payments", path_of(&booking)), token))
            }
            _ => {
                let hold = self.stage.get(&Wish::post(client, HOLDS, self.stage.wanted()), dice).await?;
                Some(Wish::post(client, format!("{}/commit", at(&hold)), token))
            }
        }
    }

    /// Pays; some ask only once, and some until they are told.
    async fn pay(&self, wish: Wish, dice: &mut Dice) -> Option<Answer> {
        let times = *dice.pick(&[1, 3, 60, 60]);
        let pace = *dice.pick(&[0, 2, 8]);
        let answer = self.stage.insist(&wish, dice, (times, pace)).await;
        if let Some(answer) = &answer {
            self.check(&wish, answer);
        }
        let told = answer.as_ref().filter(|answer| answer.status == 201).map(|answer| booking_of(&answer.body));
        self.paid.lock().unwrap().push((wish, told));
        answer
    }

    fn check(&self, wish: &Wish, answer: &Answer) {
        let code = answer.body["code"].as_str().unwrap_or_default();
        if answer.status != 201 && !REFUSALS.contains(&code) {
            self.stage.breach(format!("{} is answered {}", wish.path, answer.text));
        }
    }

    async fn try_another_card(&self, client: &Client, declined: &Value, dice: &mut Dice) -> Option<Value> {
        let hold = declined["hold_id"].as_str()?;
        let token = json!({"payment_token": "pm_card_second"});
        let wish = Wish::post(client, format!("{HOLDS}/{hold}/commit"), token);
        let answer = self.pay(wish, dice).await?;
        (answer.status == 201).then_some(answer.body)
    }

    /// Cancels, amends, is refunded a part, or leaves it.
    async fn go_on(&self, client: &Client, booking: &Value, dice: &mut Dice) {
        let path = path_of(booking);
        let cancel = Wish::post(client, format!("{path}/cancel"), json!({}));
        let refund = Wish::post(&self.stage.admin, format!("{path}/refunds"), json!({"amount": usd("100.00")}));
        let less =
            Wish { method: Method::PATCH, body: json!({"weight_kg": 60}), ..Wish::post(client, path, json!({})) };
        let changes = match dice.below(7) {
            0 | 1 => vec![cancel],
            2 => vec![refund],
            3 => vec![less],
            4 => vec![less, cancel],
            5 => vec![refund, cancel],
            _ => Vec::new(),
        };
        for wish in changes {
            let times = *dice.pick(&[1, 60, 60]);
            let answer = self.stage.insist(&wish, dice, (times, 2)).await;
            self.check_change(&wish, answer.as_ref(), false);
            self.changes.lock().unwrap().push((wish, answer.is_some()));
        }
    }

    /// `is_overtaken`: it was not answered before the booking was cancelled.
    fn check_change(&self, wish: &Wish, answer: Option<&Answer>, is_overtaken: bool) {
        let Some(answer) = answer else { return };
        let code = answer.body["code"].as_str().unwrap_or_default();
        let is_refusal = matches!(code, "refund_exceeds_paid" | "payment_not_possible")
            || is_overtaken && code == "invalid_transition";
        if !answer.status.is_success() && !is_refusal {
            self.stage.breach(format!("{} {} is answered {}", wish.method, wish.path, answer.text));
        }
    }

    /// Asks for everything again under the same keys, until it is told.
    pub async fn come_back(&self) {
        let (_, mut dice) = self.customer();
        let paid = self.paid.lock().unwrap().clone();
        for (place, (wish, told)) in paid.into_iter().enumerate() {
            let Some(answer) = self.stage.insist(&wish, &mut dice, (200, 20)).await else {
                self.stage.breach(format!("{} was never answered", wish.path));
                continue;
            };
            self.check(&wish, &answer);
            let now = (answer.status == 201).then(|| booking_of(&answer.body));
            if told.is_some() && now != told {
                self.stage.breach(format!("{} has made {told:?}, and then {}", wish.path, answer.text));
            }
            self.paid.lock().unwrap()[place].1 = now;
        }
        let changes = self.changes.lock().unwrap().clone();
        for (place, (wish, was_answered)) in changes.iter().enumerate() {
            let answer = self.stage.insist(wish, &mut dice, (200, 0)).await;
            if answer.is_none() {
                self.stage.breach(format!("{} was never answered", wish.path));
            }
            let is_overtaken =
                !was_answered && changes[place + 1..].iter().any(|(later, _)| later.path.ends_with("/cancel"));
            self.check_change(wish, answer.as_ref(), is_overtaken);
        }
    }

    /// The same keys lead to the same bookings, once more.
    pub async fn repeat(&self) {
        let (_, mut dice) = self.customer();
        let paid = self.paid.lock().unwrap().clone();
        for (wish, told) in paid.into_iter().filter(|(_, told)| told.is_some()) {
            let answer = self.stage.insist(&wish, &mut dice, (50, 0)).await;
            let now = answer.as_ref().filter(|answer| answer.status == 201).map(|answer| booking_of(&answer.body));
            if now != told {
                self.stage.breach(format!("{} has made {told:?}, and now {:?}", wish.path, answer.map(|one| one.text)));
            }
        }
    }
}

/// The booking of an answer: of a commit, or of a payment.
fn booking_of(body: &Value) -> String {
    body["ref_id"].as_str().unwrap_or_else(|| text(body, "booking_ref")).to_owned()
}
