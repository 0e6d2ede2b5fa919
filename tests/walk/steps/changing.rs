//! Changes of holds, also those that a commit makes.
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    members::{self, Takes},
    model::{Freight, Hold, Priced, Space, Verdict},
    play::{Access, Call, Step, Walk},
    wire,
};

/// A merge patch of a hold, and what it makes of it.
pub struct Patched {
    pub body: Map<String, Value>,
    pub freight: Freight,
    pub way: Vec<usize>,
    /// `None`: it stays.
    pub code: Option<Option<&'static str>>,
}

impl Walk {
    /// Draws a patch; each member is one of so many.
    pub fn patched(&mut self, number: usize, rare: u64) -> Patched {
        let hold = self.model.holds[number].clone();
        let mut way = hold.way.clone();
        if self.chance(rare * 2) {
            way = self.way();
        }
        let mut before = hold.freight.clone();
        let gets_weight = self.chance(rare);
        if gets_weight {
            before.space.weight = self.plain_freight().space.weight;
        }
        let (mut body, freight) =
            members::change(&mut self.dice, &before, (&way, &self.model.flights), Takes::All, rare);
        if gets_weight {
            body.insert("weight_kg".to_owned(), wire::kilograms(freight.space.weight));
        }
        if way != hold.way {
            body.insert("flight_ids".to_owned(), self.ids(&way));
        }
        let code = self.chance(rare * 2).then(|| *self.dice.pick(&[Some("SPRING"), Some("FEW"), Some("NOPE"), None]));
        if let Some(code) = code {
            body.insert("discount_code".to_owned(), json!(code));
        }
        Patched { body, freight, way, code }
    }

    /// What stands against a change of an open hold, and its price afterwards.
    pub fn judge_change(&self, number: usize, patched: &Patched, access: Access) -> (Verdict, Priced) {
        let (model, hold) = (&self.model, &self.model.holds[number]);
        let Patched { freight, way, .. } = patched;
        let is_new_way = *way != hold.way;
        let mut verdict = Verdict::default().refuse("validation_failed", hold.kind == "RESERVATION" && way.len() > 1);
        if hold.kind == "OFFER" {
            verdict = verdict.refuse("invalid_transition", is_new_way || !freight.space.fits(hold.freight.space));
        }
        if is_new_way || freight.space != hold.freight.space || freight.codes != hold.freight.codes {
            let has = |flight: usize| if hold.way.contains(&flight) { hold.freight.space } else { Space::default() };
            // A reservation goes wherever its one flight goes.
            let ends = if hold.kind == "RESERVATION" { model.ends(way) } else { model.ends(&hold.way) };
            verdict = verdict.and(model.judge_way(way, ends, &freight.codes)).and(model.judge_space(
                way,
                freight.space,
                has,
                Self::owns_allotment(hold.owner),
            ));
            if access.is_guest {
                verdict = verdict.and(model.judge_share(way, freight.space, Some(number)));
            }
        }
        let priced = self.reprice(number, patched);
        (verdict.and(model.judge_names(way, freight, Some(number))).and(priced.verdict.clone()), priced)
    }

    fn reprice(&self, number: usize, patched: &Patched) -> Priced {
        let hold = &self.model.holds[number];
        let (before, after) = (&hold.freight, &patched.freight);
        let code = patched.code.unwrap_or(hold.sale);
        let is_other = code != hold.sale
            || after.product != before.product
            || after.codes != before.codes
            || patched.way != hold.way;
        let is_other_freight = (after.space.weight, after.space.volume) != (before.space.weight, before.space.volume);
        if !is_other && (!is_other_freight || hold.total.is_some()) {
            // By its own rules: its sale is not looked at again.
            let total = crate::model::rate(self.model.ends(&hold.way), after, hold.sale);
            return Priced {
                total: if is_other_freight { total } else { hold.total },
                sale: hold.sale,
                ..Priced::default()
            };
        }
        let mut priced = self.model.price(&patched.way, after, code, Some(number));
        let is_lost = priced.total.is_none() && hold.total.is_some() && code.is_none();
        priced.verdict = priced.verdict.refuse("no_rate", is_lost);
        priced
    }

    /// Takes over a change; whether anything has changed.
    pub fn change_hold(&mut self, number: usize, patched: &Patched, priced: &Priced) -> bool {
        let latest = self.model.latest(self.model.holds[number].created, &patched.way);
        let hold = &mut self.model.holds[number];
        let before: Hold = hold.clone();
        let is_judged = patched.way != hold.way
            || patched.freight.space != hold.freight.space
            || patched.freight.codes != hold.freight.codes;
        hold.way.clone_from(&patched.way);
        hold.freight = patched.freight.clone();
        (hold.total, hold.sale) = (priced.total, priced.sale);
        if is_judged {
            // An offer lives as long as it was made for.
            hold.latest = if hold.kind == "OFFER" {
                hold.latest.min(latest_cutoff(&self.model.flights, &hold.way))
            } else {
                latest
            };
            hold.expires = hold.expires.min(hold.latest);
        }
        (&hold.way, &hold.freight, hold.total, hold.sale) != (&before.way, &before.freight, before.total, before.sale)
    }

    pub async fn amend_hold(&mut self) -> Step {
        let Some(number) = self.pick(self.model.holds.len()) else { return Ok(()) };
        let hold = self.model.holds[number].clone();
        let by = self.somebody(hold.owner);
        let patched = self.patched(number, 4);
        let (tag, is_stale) = self.tag(hold.version);
        let (verdict, priced) = match self.judge_open(by, number, is_stale) {
            Err(refusal) => (refusal, Priced::default()),
            // What else is wrong may be seen first.
            Ok((access, verdict)) => {
                let (change, priced) = self.judge_change(number, &patched, access);
                let ended = !verdict.must.is_empty();
                (verdict.and(if ended { only_faults(change) } else { change }), priced)
            }
        };
        let call = Call::patch(format!("/api/v1/holds/{}", hold.id)).with(patched.body.clone()).tagged(tag);
        let answer = self.send(by, call).await;
        if self.judge("amend hold", &verdict, &answer)? {
            if self.change_hold(number, &patched, &priced) {
                self.model.holds[number].version += 1;
            }
            self.model.compare_hold(&answer.body, &self.model.holds[number])?;
        }
        self.settle().await
    }
}

/// Of what stands against a change, what can be seen without the hold.
fn only_faults(mut change: Verdict) -> Verdict {
    change.must.retain(|code| *code == "validation_failed");
    Verdict { may: change.must, must: BTreeSet::new() }
}

fn latest_cutoff(flights: &[crate::model::Flight], way: &[usize]) -> crate::model::Time {
    way.iter().map(|flight| flights[*flight].cutoff).min().expect("a flight")
}
