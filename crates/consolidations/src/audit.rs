use chrono::DateTime;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope},
    postgres::{DbError, PgSession},
};

use super::{costs::costs_in_tx, model::CONSOLIDATION, repository};

/// A hold or booking is the master of one consolidation at most, of its owner's organization; what it costs is shared whole.
const MASTERS: Rule = Rule::new(19, "each master is one hold or booking of its owner");

pub(super) const AUDIT: Audit =
    Audit { rules: &[MASTERS], run: |snapshot, scope, _| Box::pin(audit(snapshot, scope)), subjects: &[] };

async fn audit(snapshot: &mut PgSession, scope: &Scope) -> Result<Vec<(Rule, Findings)>, DbError> {
    if scope.leaves_out(CONSOLIDATION) {
        return Ok(Vec::new());
    }
    let mut findings = Findings::default();
    findings.has_checked("masters", repository::audit::count(snapshot).await?.unsigned_abs());
    for row in repository::audit::master_mismatches(snapshot).await? {
        let fault = match (row.is_foreign, row.is_twice) {
            (true, _) => "this hold or booking does not belong to the owner's organization",
            (false, true) => "this hold or booking is the master of another consolidation or origin, too",
            (false, false) => "this hold became another booking than the one that is noted",
        };
        let key: [(&'static str, &dyn std::fmt::Display); 2] =
            [("consolidation_id", &row.consolidation_id), ("origin", &row.origin)];
        findings.add(Breach::of("consolidation_masters", key, fault));
    }
    add_unshared(snapshot, &mut findings).await?;
    Ok(vec![(MASTERS, findings)])
}

/// Adds masters whose shares do not sum to their lines, or their lines not to what is owed.
async fn add_unshared(snapshot: &mut PgSession, findings: &mut Findings) -> Result<(), DbError> {
    for id in repository::audit::booked(snapshot).await? {
        // Whether a hold has expired does not matter here.
        let Some(whole) = repository::find(snapshot, id, DateTime::UNIX_EPOCH).await? else { continue };
        for costs in costs_in_tx(snapshot, &whole).await? {
            if !whole.sums_to(costs.origin, (costs.lines.as_slice(), costs.owed)) {
                let key: [(&'static str, &dyn std::fmt::Display); 2] =
                    [("consolidation_id", &id), ("origin", &costs.origin)];
                findings.add(Breach::of("consolidation_masters", key, "its shares do not sum to what is owed for it"));
            }
        }
    }
    Ok(())
}
