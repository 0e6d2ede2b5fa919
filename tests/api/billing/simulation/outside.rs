//! What happens at the provider by the way: payers and banks decide, and webhooks come twice, late and in the wrong order.
use std::{sync::Arc, time::Duration};

use tokio::task::AbortHandle;

use super::super::stage::Stage;
use crate::{
    payments::{provider::Hostile, webhooks::Webhook},
    support::{Client, Dice},
};

/// Ends with its owner.
pub struct Outside([AbortHandle; 2]);

impl Outside {
    pub fn begin(stage: &Arc<Stage>, hostile: &Hostile, dice: Dice) -> Self {
        let deciding = tokio::spawn(decide(hostile.clone(), dice.clone()));
        let telling = tokio::spawn(tell(stage.clone(), hostile.clone(), dice));
        Self([deciding.abort_handle(), telling.abort_handle()])
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Payers confirm or decline, or do nothing.
async fn decide(hostile: Hostile, mut dice: Dice) {
    let mut seen = std::collections::BTreeSet::new();
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        for (id, intent) in hostile.intents() {
            if !matches!(intent.status, "requires_action" | "processing") || !seen.insert((id.clone(), dice.below(3))) {
                continue;
            }
            match dice.below(10) {
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
            let request = Webhook::about(&id, &reference).request(&stage.client(&anonymous), stage.now());
            match request.timeout(Duration::from_secs(5)).send().await {
                Ok(answer) if answer.status() == 204 => {}
                Ok(answer) if answer.status().is_client_error() => {
                    stage.breach(format!("a webhook is answered {}", answer.status()));
                }
                _ => waiting.push((id, reference)),
            }
        }
    }
}
