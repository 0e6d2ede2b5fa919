use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope},
    postgres::{DbError, PgSession},
};

use super::repository;

/// An allotment's open hold keeps what is left of its freight after what was drawn from it; each flight counts its allotments.
const DRAWN: Rule = Rule::new(18, "what allotments keep and give is their freight");

pub(super) const AUDIT: Audit =
    Audit { rules: &[DRAWN], run: |snapshot, scope, _| Box::pin(audit(snapshot, scope)), subjects: &[] };

async fn audit(snapshot: &mut PgSession, scope: &Scope) -> Result<Vec<(Rule, Findings)>, DbError> {
    if scope.leaves_out(FLIGHT) {
        return Ok(Vec::new());
    }
    let flights = scope.of(FLIGHT);
    let mut findings = Findings::default();
    findings.has_checked("allotted flights", repository::audit::count(snapshot).await?.unsigned_abs());
    for hold in repository::audit::astray_holds(snapshot, flights).await? {
        let fault = "this hold does not keep what is left of its freight, or is not the last one of an allotment";
        findings.add(Breach::of("holds", [("id", &hold)], fault));
    }
    for taker in repository::audit::astray_takers(snapshot, flights).await? {
        let fault = "this hold or leg has drawn more from allotments than it takes";
        findings.add(Breach::of("allotment_draws", [("taker_id", &taker)], fault));
    }
    for row in repository::audit::flight_mismatches(snapshot, flights).await? {
        let fault = format!("allotted is {} instead of {}", row.said, row.allotted);
        findings.add(Breach::of("flight_capacity", [("flight_id", &row.flight_id)], fault));
    }
    Ok(vec![(DRAWN, findings)])
}
