//! A server that is killed at random moments of many concurrent commits with payment.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use loadmaster_testkit::{
    Dice,
    freight::text,
    holds::{HOLDS, at},
    is_long,
};
use serde_json::json;

use super::stage::{Stage, Wish, all};

const TOKENS: [&str; 7] = ["tok_ok", "tok_visa", "tok_slow", "tok_hang", "tok_lost", "tok_declined", "tok_confirm"];

/// Holds or bookings that were charged twice.
const CHARGED_TWICE: &str = "
    select p.hold_id::text from test_payments t join payments p on p.provider_reference = t.reference
    where t.captured > 0 group by p.hold_id having count(*) > 1
    union all
    select p.booking_id::text from test_payments t join payments p on p.provider_reference = t.reference
    where t.captured > 0 group by p.booking_id having count(*) > 1";
/// Payments of the provider that the books do not have as it does.
const DIFFERENT: &str = "
    select to_jsonb(t)::text || coalesce(to_jsonb(p)::text, ' is unknown') from test_payments t
    left join payment_operations o on o.id = t.operation_id left join payments p on p.id = o.payment_id
    where p.id is null or (t.captured, t.refunded) <> (p.captured, p.refunded)
       or (t.captured > 0 and p.booking_id is null)
       or not case t.status when 'CAPTURED' then p.status = 'CAPTURED'
                            when 'VOIDED' then p.status in ('VOIDED', 'FAILED')
                            when 'FAILED' then p.status in ('VOIDED', 'FAILED') else false end";

/// Who calls at once.
const CALLERS: usize = 50;

/// A commit, and the booking that was answered.
type Asked = Arc<Mutex<Vec<(Wish, Option<String>)>>>;

/// Holds and commits, one after the other.
async fn call(stage: Arc<Stage>, mut dice: Dice, asked: Asked, is_over: Arc<AtomicBool>) {
    let customer = stage.customer().await;
    while !is_over.load(Ordering::Relaxed) {
        let wish = Wish::post(&customer, HOLDS, stage.wanted());
        let Some(answer) = stage.insist(&wish, &mut dice, (300, 0)).await else { return };
        if answer.body["code"] == "hold_limit_exceeded" {
            stage.pass(60);
            continue;
        }
        let hold = answer.expect(201);
        let body = json!({"payment_token": dice.pick(&TOKENS)});
        let commit = Wish::post(&customer, format!("{}/commit", at(&hold)), body);
        // Some go away after the first silence.
        let times = *dice.pick(&[1, 5, 30]);
        let told = commit_of(&stage, &commit, &mut dice, times).await;
        asked.lock().unwrap().push((commit, told));
    }
}

async fn commit_of(stage: &Stage, commit: &Wish, dice: &mut Dice, times: usize) -> Option<String> {
    let answer = stage.insist(commit, dice, (times, 0)).await?;
    let code = answer.body["code"].as_str().unwrap_or_default();
    match (answer.status.as_u16(), code) {
        (201, _) => Some(text(&answer.body, "ref_id").to_owned()),
        (402, _) | (409, "hold_expired" | "invalid_transition" | "payment_not_possible" | "hold_limit_exceeded") => {
            None
        }
        _ => {
            stage.breach(format!("{} is answered {}", commit.path, answer.text));
            None
        }
    }
}

/// Takes some seconds: it starts a server after each kill, and what a provider never answers is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_with_payment_survive_kills_at_any_moment() {
    if !is_long() {
        return;
    }
    let stage = Stage::open(&[("payments.provider", "test")], None).await;
    let served = stage.serve(Vec::new());
    let (asked, is_over) = (Asked::default(), Arc::new(AtomicBool::new(false)));
    let kills = {
        let (stage, is_over) = (stage.clone(), is_over.clone());
        async move {
            let mut dice = Dice::new(200);
            for _ in 0..200 {
                let ended = stage.crashes().len();
                stage.until_serving().await;
                tokio::time::sleep(Duration::from_millis(dice.below(2500))).await;
                stage.kill();
                loadmaster_testkit::until("it is dead", async || stage.crashes().len() > ended).await;
                stage.pass(dice.below(20));
            }
            stage.until_serving().await;
            is_over.store(true, Ordering::Relaxed);
        }
    };
    let callers: Vec<_> =
        (0..CALLERS).map(|number| call(stage.clone(), Dice::of(7, number), asked.clone(), is_over.clone())).collect();
    tokio::join!(all(callers), kills);
    stage.settle(90).await;
    let asked = asked.lock().unwrap().clone();
    println!(
        "{} commits, {} of them answered with a booking",
        asked.len(),
        asked.iter().filter(|(_, told)| told.is_some()).count()
    );
    for (commit, told) in asked.iter().filter(|(_, told)| told.is_some()) {
        let again = commit_of(&stage, commit, &mut Dice::new(1), 50).await;
        if again != *told {
            stage.breach(format!("{} has made {told:?}, and then {again:?}", commit.path));
        }
    }
    for twice in stage.world.texts(CHARGED_TWICE).await {
        stage.breach(format!("{twice} was charged twice"));
    }
    for different in stage.world.texts(DIFFERENT).await {
        stage.breach(format!("the provider differs: {different}"));
    }
    stage.audit().await;
    drop(served);
    let breaches = stage.breaches();
    assert!(breaches.is_empty(), "{breaches:#?}");
    assert_ne!(stage.world.count("payments where status = 'CAPTURED'").await, 0, "something was paid");
}
