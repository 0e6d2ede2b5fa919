//! Checks imports: all flights of a timetable exist or none, and none after a refusal or a dry run.
use super::{fetch::list, lost};
use crate::{
    client::Load,
    evidence::Breach,
    operation::{
        Actor, Kind, Operation,
        flight::{FLIGHTS, Row},
    },
};

/// Looks for the new flights of the imports. Nothing else creates, changes or books them.
pub(super) async fn judge(load: &Load, operations: &[Operation]) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for operation in operations.iter().filter(|operation| matches!(operation.kind, Kind::Import | Kind::DryRun)) {
        let new = operation.rows.iter().filter(|row| row.flight.is_none());
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for row in new {
            if is_there(load, row).await? { &mut there } else { &mut missing }.push(row.number.as_str());
        }
        breaches.extend(verdict(operation, &there, &missing).map(lost));
    }
    Ok(breaches)
}

async fn is_there(load: &Load, row: &Row) -> anyhow::Result<bool> {
    let Row { number, origin, leaves, .. } = row;
    let path = format!("{FLIGHTS}?flight_number={number}&origin={origin}&departure_date={}", leaves.date_naive());
    let found = list(load, Actor::Staff, path).await?;
    // A flight that another run left has another capacity.
    #[allow(clippy::cast_precision_loss, reason = "a few tons")]
    Ok(found.iter().any(|flight| flight["capacity"]["weight_kg"].as_f64() == Some(row.weight_kg as f64)))
}

fn verdict(operation: &Operation, there: &[&str], missing: &[&str]) -> Option<String> {
    let (name, call) = (operation.kind.name(), operation.ack.as_ref().map_or(0, |ack| ack.call));
    match (operation.kind, &operation.ack) {
        (Kind::DryRun, _) if !there.is_empty() => Some(format!("a dry run of an import created the flights {there:?}")),
        (Kind::DryRun, _) => None,
        (_, Some(_)) if !missing.is_empty() => {
            Some(format!("lost: the flights {missing:?} of the {name} of call {call}"))
        }
        (_, None) if operation.was_refused() && !there.is_empty() => {
            Some(format!("an {name} was refused, but created the flights {there:?}"))
        }
        _ if !there.is_empty() && !missing.is_empty() => {
            Some(format!("an {name} was made in part: {there:?} exist, {missing:?} do not"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{operation::Ack, wire::Request};

    #[test]
    fn an_import_has_all_of_its_flights_or_none() {
        let operation =
            |kind, unknown| Operation { unknown, ..Operation::new(kind, Actor::Staff, 0, Request::default()) };
        let ack = Some(Ack { call: 7, ..Ack::default() });
        let done = Operation { ack, ..operation(Kind::Import, 0) };
        assert_eq!(verdict(&done, &["AI1"], &[]), None);
        assert!(verdict(&done, &["AI1"], &["AI2"]).is_some_and(|what| what.ends_with("of the import of call 7")));
        assert_eq!(verdict(&operation(Kind::Import, 0), &[], &["AI1"]), None);
        assert!(verdict(&operation(Kind::Import, 0), &["AI1"], &[]).is_some_and(|what| what.contains("was refused")));
        assert_eq!(verdict(&operation(Kind::Import, 1), &["AI1"], &[]), None);
        assert_eq!(verdict(&operation(Kind::Import, 1), &[], &["AI1"]), None);
        assert!(verdict(&operation(Kind::Import, 1), &["AI1"], &["AI2"]).is_some_and(|what| what.contains("in part")));
        assert!(verdict(&operation(Kind::DryRun, 1), &["AI1"], &[]).is_some_and(|what| what.contains("dry run")));
    }
}
