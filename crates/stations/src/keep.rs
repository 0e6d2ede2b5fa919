//! Staff writes about stations.
use std::collections::{BTreeSet, HashMap};

use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::{AirportCode, Fault, FaultCode, UserId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::PgSession,
    tables::{ImportSummary, Table, TableFaults, read_apart},
    web::{Fields, Precondition},
    work::Command,
};
use serde_json::{Value, json};

use super::{
    error::StationError,
    model::{Content, Placed, STATION, STATIONS, Station},
    repository,
    service::StationService,
    table::{StationRow, read_rows},
};

/// What a change makes of a station.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// All that it says.
    Content(Box<Content>),
    Featured(bool),
}

/// Changes a station. One that is changed to what it is already keeps its version.
pub(super) struct Change {
    pub stations: StationService,
    pub actor: UserId,
    pub code: AirportCode,
    pub precondition: Precondition,
    pub wanted: Wanted,
    pub has_changed: bool,
}

impl Command for Change {
    const NAME: &'static str = "stations.change";
    type Done = Placed;
    type Error = StationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Placed, StationError> {
        let Self { stations, actor, code, precondition, wanted, has_changed } = self;
        let airport = stations.airport(*code)?;
        // Tags are locked before stations, in the order in which the end of a tag locks them.
        let unknown = match wanted {
            Wanted::Content(content) => repository::unknown_tags(tx, &content.tags).await?,
            Wanted::Featured(_) => Vec::new(),
        };
        let has_image = !repository::images::of_stations(tx, &[*code]).await?.is_empty();
        let now = stations.clock.now();
        let locked = repository::lock(tx, &[*code], now).await?;
        let before = locked.into_iter().next().ok_or(StationError::Unknown(*code))?;
        precondition.check(before.version).map_err(StationError::VersionMismatch)?;
        let mut after = before.clone();
        match wanted {
            Wanted::Content(content) => after.content = (**content).clone(),
            Wanted::Featured(is_featured) => after.is_featured = *is_featured,
        }
        *has_changed = after != before;
        if !*has_changed {
            repository::delete_empty(tx, &[*code]).await?;
            return Ok(stations.placed(airport, before, has_image));
        }
        refuse_tags(&after.content.tags, unknown)?;
        (after.version, after.updated_at) = (before.version + 1, now);
        repository::save(tx, &after).await?;
        let act = match wanted {
            Wanted::Content(_) => ("station.changed", former(&before, after.version)),
            Wanted::Featured(is) => ("station.featured", json!({"version": after.version, "is_featured": is})),
        };
        let subject = Subject::new(STATION, *code);
        stations.record_in_tx(tx, *actor, (act.0, subject), act.1, vec![*code]).await?;
        Ok(stations.placed(airport, after, has_image))
    }

    async fn concluded(&mut self, outcome: Result<&Placed, &StationError>) {
        if outcome.is_ok() && self.has_changed {
            self.stations.snapshot.changed().await;
        }
    }
}

/// Returns what the record of acts keeps: what the station said before, without the contacts, which are personal data.
fn former(before: &Station, version: i32) -> Value {
    let content = &before.content;
    json!({
        "version": version,
        "former": {
            "version": before.version, "summary": content.summary, "text": content.text, "highlights": content.highlights,
            "tags": content.tags, "capabilities": content.capabilities, "hours": content.hours,
            "acceptance": content.acceptance, "notices": content.notices, "contacts": content.contacts.len(),
            "is_featured": before.is_featured,
        },
    })
}

/// Fails if the tags at some places are not in force.
fn refuse_tags(tags: &[String], unknown: Vec<usize>) -> Result<(), StationError> {
    if unknown.is_empty() {
        return Ok(());
    }
    let fault = |index: usize| (format!("/tags/{index}"), unknown_tag(&tags[index]));
    Err(StationError::Invalid(unknown.into_iter().map(fault).collect()))
}

fn unknown_tag(code: &str) -> Fault {
    Fault::new(FaultCode::UnknownValue, format!("names no tag in force: {code}"))
}

/// Imports a table of stations by their airports, all or nothing. With `dry_run` nothing is written.
pub(super) struct Import {
    pub stations: StationService,
    pub actor: UserId,
    pub table: Option<Table>,
    pub dry_run: bool,
    pub rows: Vec<(u64, StationRow)>,
}

impl Command for Import {
    const NAME: &'static str = "stations.import";
    type Done = ImportSummary;
    type Error = StationError;

    async fn prepare(&mut self, _: &Key) -> Result<(), StationError> {
        if let Some(table) = self.table.take() {
            let reference = self.stations.reference.clone();
            self.rows = read_apart(move || read_rows(&table, &reference)).await??;
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<ImportSummary, StationError> {
        // Tags before stations, as in a change.
        self.check_tags(tx).await?;
        let now = self.stations.clock.now();
        let codes: Vec<AirportCode> = self.rows.iter().map(|(_, row)| row.iata_code).collect();
        let known = if self.dry_run {
            repository::find_all(tx, &codes).await?
        } else {
            repository::lock(tx, &codes, now).await?
        };
        let known: HashMap<AirportCode, Station> = known.into_iter().map(|station| (station.code, station)).collect();
        let (mut summary, mut written) = (ImportSummary::default(), Vec::new());
        for (_, row) in &self.rows {
            let before = known.get(&row.iata_code).cloned();
            let before = before.unwrap_or_else(|| Station::without_content(row.iata_code));
            let mut after = row.applied(&before);
            match (after == before, before.version) {
                (true, _) => {
                    summary.unchanged += 1;
                    continue;
                }
                (false, 0) => summary.created += 1,
                (false, _) => summary.updated += 1,
            }
            (after.version, after.updated_at) = (before.version + 1, now);
            written.push((before, after));
        }
        if !self.dry_run {
            self.write(tx, &written, summary).await?;
            repository::delete_empty(tx, &codes).await?;
        }
        Ok(summary)
    }

    async fn concluded(&mut self, outcome: Result<&ImportSummary, &StationError>) {
        let Ok(ImportSummary { created, updated, unchanged }) = outcome else { return };
        tracing::info!(created, updated, unchanged, dry_run = self.dry_run, "stations imported");
        if !self.dry_run && created + updated > 0 {
            self.stations.snapshot.changed().await;
        }
    }
}

impl Import {
    async fn check_tags(&self, tx: &mut PgSession) -> Result<(), StationError> {
        let named: BTreeSet<&String> = self.rows.iter().flat_map(|(_, row)| row.tags.iter().flatten()).collect();
        let named: Vec<String> = named.into_iter().cloned().collect();
        let unknown = repository::unknown_tags(tx, &named).await?;
        let unknown: Vec<&String> = unknown.into_iter().map(|index| &named[index]).collect();
        let mut faults = TableFaults::default();
        for (number, row) in &self.rows {
            if let Some(tag) = row.tags.iter().flatten().find(|tag| unknown.contains(tag)) {
                let mut fields = Fields::of_row(*number, std::iter::once(("tags", tag.as_str())));
                fields.fault("tags", &unknown_tag(tag));
                faults.add(fields.finish().into_iter().take(1));
            }
        }
        Ok(faults.unless_faulty(())?)
    }

    async fn write(
        &self,
        tx: &mut PgSession,
        written: &[(Station, Station)],
        summary: ImportSummary,
    ) -> Result<(), StationError> {
        let Self { stations, actor, .. } = self;
        for (before, after) in written {
            repository::save(tx, after).await?;
            if before.version > 0 {
                let (subject, data) = (Subject::new(STATION, after.code), former(before, after.version));
                stations.acts.record_in_tx(tx, Actor::Caller(*actor), "station.changed", subject, data).await?;
            }
        }
        if written.is_empty() {
            return Ok(());
        }
        let data = json!({"created": summary.created, "updated": summary.updated});
        let act = ("stations.imported", Subject::new(STATIONS, "all"));
        stations.record_in_tx(tx, *actor, act, data, Vec::new()).await
    }
}
