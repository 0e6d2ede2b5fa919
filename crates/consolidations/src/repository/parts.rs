use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{
    AirportCode, ConsolidationId, HandlingCode, KeptDimensions, OrganizationId, Pieces, Positions, UserId, Volume,
    Weight, from_column,
};
use loadmaster_platform::postgres::PgSession;
use loadmaster_shipment::{Load, Party};
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{Part, PartContent, PartStatus};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    created_by: Option<Uuid>,
    house_number: Option<String>,
    origin: AirportCode,
    pieces: Pieces,
    weight_hg: Weight,
    volume_l: Volume,
    volume_defaulted: bool,
    positions: Positions,
    dimensions: Option<Json<KeptDimensions>>,
    special_handling_codes: Vec<HandlingCode>,
    description: Option<String>,
    shipper: Option<Json<Party>>,
    consignee: Option<Json<Party>>,
    ready_at: Option<DateTime<Utc>>,
    status: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Part {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let load = Load::of(row.weight_hg, Some(row.volume_l), Some(row.positions));
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            created_by: row.created_by.map(UserId::from),
            content: PartContent {
                origin: row.origin,
                pieces: row.pieces,
                load: Load { volume_defaulted: row.volume_defaulted, ..load },
                dimensions: row.dimensions.map(|Json(kept)| kept.into()),
                special_handling_codes: row.special_handling_codes,
                ready_at: row.ready_at,
                house_number: row.house_number,
                description: row.description,
                shipper: row.shipper.map(|Json(party)| party),
                consignee: row.consignee.map(|Json(party)| party),
            },
            status: from_column(PartStatus::WORDS, &row.status)?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Returns the parts of a consolidation, in the order of their ids.
pub(super) async fn of(db: &mut PgSession, id: ConsolidationId) -> sqlx::Result<Vec<Part>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, organization_id, created_by, house_number, origin as "origin: _", pieces as "pieces: _",
                  weight_hg as "weight_hg: _", volume_l as "volume_l: _", volume_defaulted, positions as "positions: _",
                  dimensions as "dimensions: _",
                  special_handling_codes as "special_handling_codes: _", description, shipper as "shipper: _",
                  consignee as "consignee: _", ready_at, status, version, created_at, updated_at
           from consolidation_parts where consolidation_id = $1 order by id"#,
        id.uuid(),
    );
    rows.fetch_all(db).await?.into_iter().map(Part::try_from).collect()
}

fn dimensions(part: &Part) -> Option<Json<KeptDimensions>> {
    part.content.dimensions.as_ref().map(|dimensions| Json(dimensions.into()))
}

pub(crate) async fn insert_part(db: &mut PgSession, of: ConsolidationId, part: &Part) -> sqlx::Result<()> {
    let PartContent { load, .. } = &part.content;
    let made = sqlx::query!(
        "insert into consolidation_parts (id, consolidation_id, organization_id, created_by, house_number, origin, pieces,
                                          weight_hg, volume_l, volume_defaulted, positions, special_handling_codes,
                                          description, shipper, consignee, ready_at, status, version, created_at, updated_at,
                                          dimensions)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        part.id.uuid(),
        of.uuid(),
        part.organization_id.uuid(),
        part.created_by.map(UserId::uuid),
        part.content.house_number.as_deref(),
        part.content.origin as AirportCode,
        part.content.pieces.count(),
        load.space.weight.hectograms(),
        load.space.volume.litres(),
        load.volume_defaulted,
        load.space.positions.count(),
        &part.content.special_handling_codes as &[HandlingCode],
        part.content.description.as_deref(),
        part.content.shipper.as_ref().map(Json) as Option<Json<&Party>>,
        part.content.consignee.as_ref().map(Json) as Option<Json<&Party>>,
        part.content.ready_at,
        part.status.as_str(),
        part.version,
        part.created_at,
        part.updated_at,
        dimensions(part) as Option<Json<KeptDimensions>>,
    );
    made.execute(db).await.map(drop)
}

/// Writes the new state of a part of a consolidation that the caller has locked.
pub(crate) async fn save_part(db: &mut PgSession, part: &Part) -> sqlx::Result<()> {
    let PartContent { load, .. } = &part.content;
    let saved = sqlx::query!(
        "update consolidation_parts
         set house_number = $2, origin = $3, pieces = $4, weight_hg = $5, volume_l = $6, volume_defaulted = $7, positions = $8,
             special_handling_codes = $9, description = $10, shipper = $11, consignee = $12, ready_at = $13, status = $14,
             version = $15, updated_at = $16, dimensions = $17
         where id = $1",
        part.id.uuid(),
        part.content.house_number.as_deref(),
        part.content.origin as AirportCode,
        part.content.pieces.count(),
        load.space.weight.hectograms(),
        load.space.volume.litres(),
        load.volume_defaulted,
        load.space.positions.count(),
        &part.content.special_handling_codes as &[HandlingCode],
        part.content.description.as_deref(),
        part.content.shipper.as_ref().map(Json) as Option<Json<&Party>>,
        part.content.consignee.as_ref().map(Json) as Option<Json<&Party>>,
        part.content.ready_at,
        part.status.as_str(),
        part.version,
        part.updated_at,
        dimensions(part) as Option<Json<KeptDimensions>>,
    );
    saved.execute(db).await.map(drop)
}

/// Withdraws all parts of a member. Returns their origins.
pub(crate) async fn withdraw_parts_of(
    db: &mut PgSession,
    id: ConsolidationId,
    of: OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<BTreeSet<AirportCode>> {
    let withdrawn = sqlx::query_scalar!(
        r#"update consolidation_parts set status = 'WITHDRAWN', version = version + 1, updated_at = $3
         where consolidation_id = $1 and organization_id = $2 and status <> 'WITHDRAWN'
         returning origin as "origin: AirportCode""#,
        id.uuid(),
        of.uuid(),
        now,
    );
    Ok(withdrawn.fetch_all(db).await?.into_iter().collect())
}

/// Deletes the withdrawn parts but the newest `kept`.
pub(crate) async fn delete_withdrawn(db: &mut PgSession, of: ConsolidationId, kept: i64) -> sqlx::Result<()> {
    let deleted = sqlx::query!(
        "delete from consolidation_parts where id in
             (select id from consolidation_parts where consolidation_id = $1 and status = 'WITHDRAWN'
              order by updated_at desc, id desc offset $2)
           and not exists (select from consolidation_masters m
                           where m.consolidation_id = $1 and m.part_ids @> array[consolidation_parts.id])",
        of.uuid(),
        kept,
    );
    deleted.execute(db).await.map(drop)
}
