//! Tables of flights: all of one is there or nothing, and nothing of one that was refused or only judged.
use super::{fetch::list, lost};
use crate::{
    client::Load,
    deed::{
        Deed, Kind, Who,
        flight::{FLIGHTS, Row},
    },
    evidence::Breach,
};

/// Looks for the flights that tables were to make. Nobody else makes, changes or books them.
pub(super) async fn judge(load: &Load, deeds: &[Deed]) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for deed in deeds.iter().filter(|deed| matches!(deed.kind, Kind::Import | Kind::DryRun)) {
        let new = deed.rows.iter().filter(|row| row.flight.is_none());
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for row in new {
            if is_there(load, row).await? { &mut there } else { &mut missing }.push(row.number.as_str());
        }
        breaches.extend(verdict(deed, &there, &missing).map(lost));
    }
    Ok(breaches)
}

async fn is_there(load: &Load, row: &Row) -> anyhow::Result<bool> {
    let Row { number, origin, leaves, .. } = row;
    let path = format!("{FLIGHTS}?flight_number={number}&origin={origin}&departure_date={}", leaves.date_naive());
    let found = list(load, Who::Staff, path).await?;
    // One that another run has left bears another weight.
    #[allow(clippy::cast_precision_loss, reason = "a few tons")]
    Ok(found.iter().any(|flight| flight["capacity"]["weight_kg"].as_f64() == Some(row.weight_kg as f64)))
}

fn verdict(deed: &Deed, there: &[&str], missing: &[&str]) -> Option<String> {
    let (name, call) = (deed.kind.name(), deed.ack.as_ref().map_or(0, |ack| ack.call));
    match (deed.kind, &deed.ack) {
        (Kind::DryRun, _) if !there.is_empty() => Some(format!("a dry run of an import made the flights {there:?}")),
        (Kind::DryRun, _) => None,
        (_, Some(_)) if !missing.is_empty() => {
            Some(format!("lost: of the {name} of call {call} the flights {missing:?}"))
        }
        (_, None) if deed.was_refused() && !there.is_empty() => {
            Some(format!("an {name} was refused, and made the flights {there:?}"))
        }
        _ if !there.is_empty() && !missing.is_empty() => {
            Some(format!("half an {name} is there: {there:?}, and not {missing:?}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deed::Ack, wire::Request};

    #[test]
    fn a_table_is_there_as_a_whole_or_not_at_all() {
        let deed = |kind, unknown| Deed { unknown, ..Deed::new(kind, Who::Staff, 0, Request::default()) };
        let ack = Some(Ack { call: 7, ..Ack::default() });
        let done = Deed { ack, ..deed(Kind::Import, 0) };
        assert_eq!(verdict(&done, &["AI1"], &[]), None);
        assert!(
            verdict(&done, &["AI1"], &["AI2"]).is_some_and(|what| what.starts_with("lost: of the import of call 7"))
        );
        assert_eq!(verdict(&deed(Kind::Import, 0), &[], &["AI1"]), None);
        assert!(verdict(&deed(Kind::Import, 0), &["AI1"], &[]).is_some_and(|what| what.contains("was refused")));
        assert_eq!(verdict(&deed(Kind::Import, 1), &["AI1"], &[]), None);
        assert_eq!(verdict(&deed(Kind::Import, 1), &[], &["AI1"]), None);
        assert!(verdict(&deed(Kind::Import, 1), &["AI1"], &["AI2"]).is_some_and(|what| what.contains("half")));
        assert!(verdict(&deed(Kind::DryRun, 1), &["AI1"], &[]).is_some_and(|what| what.contains("dry run")));
    }
}
