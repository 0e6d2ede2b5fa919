use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope},
    postgres::{DbError, PgSession},
};

use super::repository;

/// An entry is `OFFERED` exactly as long as a hold is open for it, and space is set aside only where somebody waits, and no longer
/// than for its time.
const OFFERS: Rule = Rule::new(17, "offers are held, and room is set aside for those who wait");

pub(super) const AUDIT: Audit =
    Audit { rules: &[OFFERS], run: |snapshot, scope, _| Box::pin(audit(snapshot, scope)), subjects: &[] };

async fn audit(snapshot: &mut PgSession, scope: &Scope) -> Result<Vec<(Rule, Findings)>, DbError> {
    if scope.leaves_out(FLIGHT) {
        return Ok(Vec::new());
    }
    let mut findings = Findings::default();
    findings.has_checked("waitlist entries", repository::audit::count(snapshot).await?.unsigned_abs());
    for offer in repository::audit::astray_offers(snapshot).await? {
        let fault = "this offer has no entry that it was made for, or not the only one";
        findings.add(Breach::of("holds", [("id", &offer)], fault));
    }
    for entry in repository::audit::astray_entries(snapshot).await? {
        let fault = "its status contradicts its offer, or the flights that it waits for";
        findings.add(Breach::of("waitlist_entries", [("id", &entry)], fault));
    }
    for row in repository::audit::flight_mismatches(snapshot, scope.of(FLIGHT)).await? {
        let fault = format!("waiting is {} instead of {}, or room is set aside for nobody", row.said, row.waiting);
        findings.add(Breach::of("flight_capacity", [("flight_id", &row.flight_id)], fault));
    }
    for flight in repository::audit::forgotten(snapshot, scope.of(FLIGHT), scope.now).await? {
        let fault = "room is still set aside though its time has passed, or nobody waits for it any more";
        findings.add(Breach::of("flight_capacity", [("flight_id", &flight)], fault));
    }
    Ok(vec![(OFFERS, findings)])
}
