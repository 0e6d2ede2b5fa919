//! What happens at the provider by the way: payers and banks decide, and webhooks come twice, late and in the wrong order.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use loadmaster_testkit::{Client, Dice, payments::Webhook};
use tokio::task::AbortHandle;

use super::super::stage::Stage;
use crate::payments::provider::Hostile;

const SIGNATURE_IS_GOOD_FOR: TimeDelta = TimeDelta::minutes(5);

/// Ends with its owner.
pub struct Outside {
    tasks: [AbortHandle; 2],
    is_last_call: Arc<AtomicBool>,
}

impl Outside {
    pub fn begin(stage: &Arc<Stage>, hostile: &Hostile, dice: Dice) -> Self {
        let is_last_call = Arc::new(AtomicBool::new(false));
        let deciding = tokio::spawn(decide(hostile.clone(), dice.clone(), is_last_call.clone()));
        let telling = tokio::spawn(tell(stage.clone(), hostile.clone(), dice));
        Self { tasks: [deciding.abort_handle(), telling.abort_handle()], is_last_call }
    }

    /// From now on payers and banks decide everything: of a booking's payment nobody else does.
    pub fn last_call(&self) {
        self.is_last_call.store(true, Ordering::Relaxed);
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Payers confirm or decline, or do nothing before the last call.
async fn decide(hostile: Hostile, mut dice: Dice, is_last_call: Arc<AtomicBool>) {
    let mut seen = std::collections::BTreeSet::new();
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let is_last_call = is_last_call.load(Ordering::Relaxed);
        for (id, intent) in hostile.intents() {
            let is_undecided = matches!(intent.status, "requires_action" | "processing");
            if !is_undecided || !(is_last_call || seen.insert((id.clone(), dice.below(3)))) {
                continue;
            }
            match dice.below(if is_last_call { 7 } else { 10 }) {
                0..5 => hostile.settle(&id, "requires_capture"),
                5..7 => hostile.settle(&id, "requires_payment_method"),
                _ => {}
            }
        }
    }
}

/// Webhooks are sent again while nobody answers, some twice and some never.
async fn tell(stage: Arc<Stage>, hostile: Hostile, mut dice: Dice) {
    let anonymous = Client::anonymous("");
    let (mut waiting, mut number) = (Vec::<(String, String)>::new(), 0);
    loop {
        tokio::time::sleep(Duration::from_millis(100 + dice.below(400))).await;
        for reference in hostile.changed() {
            number += 1;
            for _ in 0..dice.below(3) {
                waiting.push((format!("msg_{number}"), reference.clone()));
            }
        }
        // The newest first, and some only later.
        let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().rev().partition(|_| dice.below(3) > 0);
        waiting = later.into_iter().rev().collect();
        for (id, reference) in now {
            let signed_at = stage.now();
            let request = Webhook::about(&id, &reference).request(&stage.client(&anonymous), signed_at);
            match request.timeout(Duration::from_secs(5)).send().await {
                Ok(answer) if answer.status() == 204 => {}
                // Time passes meanwhile: a signature may have become too old on the way.
                Ok(answer) if answer.status().is_client_error() && stage.now() - signed_at <= SIGNATURE_IS_GOOD_FOR => {
                    stage.breach(format!("a webhook is answered {}", answer.status()));
                }
                _ => waiting.push((id, reference)),
            }
        }
    }
}
