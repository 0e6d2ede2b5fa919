//! The table `booking_templates`.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{
    AirportCode, BookingTemplateId, HandlingCode, KeptDimensions, OrganizationId, Pieces, UserId, Volume, Weight,
};
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, column},
};
use loadmaster_shipment::Party;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::Stored;

use crate::model::{Entry, Template};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    name: String,
    origin: Option<AirportCode>,
    destination: Option<AirportCode>,
    pieces: Option<Pieces>,
    weight_hg: Option<Weight>,
    volume_l: Option<Volume>,
    dimensions: Option<Json<KeptDimensions>>,
    product: Option<String>,
    special_handling_codes: Vec<HandlingCode>,
    description: Option<String>,
    shipper: Option<Json<Party>>,
    consignee: Option<Json<Party>>,
    created_by: Option<Uuid>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Entry<Template> {
    fn from(row: Row) -> Self {
        let content = Template {
            name: row.name,
            origin: row.origin,
            destination: row.destination,
            pieces: row.pieces,
            weight: row.weight_hg,
            volume: row.volume_l,
            dimensions: row.dimensions.map(|Json(kept)| kept.into()),
            product: row.product,
            special_handling_codes: row.special_handling_codes,
            description: row.description,
            shipper: row.shipper.map(|Json(party)| party),
            consignee: row.consignee.map(|Json(party)| party),
        };
        Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            content,
            created_by: row.created_by.map(UserId::from),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A checked query for templates that are not deleted; `$tail` selects and orders them.
macro_rules! select_templates {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, organization_id, name as "name!", origin as "origin: _", destination as "destination: _",
                      pieces as "pieces: _", weight_hg as "weight_hg: _", volume_l as "volume_l: _",
                      dimensions as "dimensions: _", product,
                      special_handling_codes as "special_handling_codes: _", description, shipper as "shipper: _",
                      consignee as "consignee: _", created_by, version, created_at, updated_at
               from booking_templates where deleted_at is null and "# + $tail
            $(, $argument)*
        )
    };
}

/// A checked statement that deletes the templates that `$which` selects: what is left of them says nothing. `$1` is the time.
macro_rules! blank_templates {
    ($which:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query!(
            "update booking_templates
             set name = null, origin = null, destination = null, pieces = null, weight_hg = null, volume_l = null,
                 dimensions = null, product = null, special_handling_codes = '{}', description = null, shipper = null,
                 consignee = null, created_by = null, deleted_at = $1, updated_at = $1, version = version + 1
             where " + $which
            $(, $argument)*
        )
    };
}

/// Returns the dimensions as their column has them.
fn kept(template: &Template) -> Option<Json<KeptDimensions>> {
    template.dimensions.as_ref().map(|dimensions| Json(KeptDimensions::from(dimensions)))
}

impl Stored for Template {
    async fn find(db: &mut PgSession, id: BookingTemplateId, of: OrganizationId) -> sqlx::Result<Option<Entry<Self>>> {
        let found = select_templates!("id = $1 and organization_id = $2", id.uuid(), of.uuid());
        Ok(found.fetch_optional(db).await?.map(Entry::from))
    }

    async fn lock(db: &mut PgSession, id: BookingTemplateId, of: OrganizationId) -> sqlx::Result<Option<Entry<Self>>> {
        let found = select_templates!("id = $1 and organization_id = $2 for no key update", id.uuid(), of.uuid());
        Ok(found.fetch_optional(db).await?.map(Entry::from))
    }

    async fn existed(db: &mut PgSession, id: BookingTemplateId, of: OrganizationId) -> sqlx::Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (select from booking_templates where id = $1 and organization_id = $2) as "found!""#,
            id.uuid(),
            of.uuid(),
        );
        found.fetch_one(db).await
    }

    async fn list(
        db: &mut PgSession,
        (of, name): (OrganizationId, Option<&str>),
        after: Option<BookingTemplateId>,
        offset: u32,
        fetch: i64,
    ) -> sqlx::Result<Vec<Entry<Self>>> {
        let rows = select_templates!(
            "organization_id = $1 and ($2::text is null or strpos(lower(name), lower($2)) > 0)
               and ($3::uuid is null or id < $3)
             order by id desc offset $4 limit $5",
            of.uuid(),
            name,
            after.map(BookingTemplateId::uuid),
            i64::from(offset),
            fetch,
        );
        Ok(rows.fetch_all(db).await?.into_iter().map(Entry::from).collect())
    }

    async fn count(db: &mut PgSession, of: OrganizationId) -> sqlx::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from booking_templates where organization_id = $1 and deleted_at is null"#,
            of.uuid(),
        );
        count.fetch_one(db).await
    }

    async fn insert(db: &mut PgSession, entry: &Entry<Self>) -> sqlx::Result<()> {
        let Template { shipper, consignee, .. } = &entry.content;
        let made = sqlx::query!(
            "insert into booking_templates (id, organization_id, name, origin, destination, pieces, weight_hg, volume_l,
                                            product, special_handling_codes, description, shipper, consignee,
                                            created_by, version, created_at, updated_at, dimensions)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            entry.id.uuid(),
            entry.organization_id.uuid(),
            entry.content.name,
            entry.content.origin as Option<AirportCode>,
            entry.content.destination as Option<AirportCode>,
            entry.content.pieces.map(Pieces::count),
            entry.content.weight.map(Weight::hectograms),
            entry.content.volume.map(Volume::litres),
            entry.content.product.as_deref(),
            &entry.content.special_handling_codes as &[HandlingCode],
            entry.content.description.as_deref(),
            shipper.as_ref().map(Json) as Option<Json<&Party>>,
            consignee.as_ref().map(Json) as Option<Json<&Party>>,
            entry.created_by.map(UserId::uuid),
            entry.version,
            entry.created_at,
            entry.updated_at,
            kept(&entry.content) as Option<Json<KeptDimensions>>,
        );
        made.execute(db).await.map(drop)
    }

    async fn save(db: &mut PgSession, entry: &Entry<Self>) -> sqlx::Result<()> {
        let Template { shipper, consignee, .. } = &entry.content;
        let saved = sqlx::query!(
            "update booking_templates
             set name = $2, origin = $3, destination = $4, pieces = $5, weight_hg = $6, volume_l = $7, product = $8,
                 special_handling_codes = $9, description = $10, shipper = $11, consignee = $12, version = $13,
                 updated_at = $14, dimensions = $15
             where id = $1",
            entry.id.uuid(),
            entry.content.name,
            entry.content.origin as Option<AirportCode>,
            entry.content.destination as Option<AirportCode>,
            entry.content.pieces.map(Pieces::count),
            entry.content.weight.map(Weight::hectograms),
            entry.content.volume.map(Volume::litres),
            entry.content.product.as_deref(),
            &entry.content.special_handling_codes as &[HandlingCode],
            entry.content.description.as_deref(),
            shipper.as_ref().map(Json) as Option<Json<&Party>>,
            consignee.as_ref().map(Json) as Option<Json<&Party>>,
            entry.version,
            entry.updated_at,
            kept(&entry.content) as Option<Json<KeptDimensions>>,
        );
        saved.execute(db).await.map(drop)
    }

    async fn delete(db: &mut PgSession, id: BookingTemplateId, now: DateTime<Utc>) -> sqlx::Result<()> {
        blank_templates!("id = $2", now, id.uuid()).execute(db).await.map(drop)
    }

    async fn delete_old(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
        let deleted = sqlx::query!(
            "delete from booking_templates where id in
                 (select id from booking_templates where deleted_at < $1 order by deleted_at limit $2
                  for update skip locked)",
            before,
            most,
        );
        Ok(deleted.execute(db).await?.rows_affected())
    }

    async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
        let found = sqlx::query_scalar!(
            r#"select jsonb_build_object(
                   'id', id, 'name', name, 'origin', origin, 'destination', destination, 'pieces', pieces,
                   'weight_kg', trim_scale(weight_hg * 0.1), 'volume_m3', trim_scale(volume_l * 0.001),
                   'dimensions', dimensions, 'product', product, 'special_handling_codes', special_handling_codes,
                   'description', description, 'shipper', shipper, 'consignee', consignee,
                   'created_by_this_person', created_by is not distinct from $2,
                   'created_at', created_at, 'updated_at', updated_at) as "template!"
               from booking_templates
               where deleted_at is null and (organization_id = any($1) or created_by = $2)
               order by id"#,
            &column(&person.organizations, |organization| organization.uuid()),
            person.user_id.uuid(),
        );
        found.fetch_all(db).await
    }

    /// Nothing that is shown of the templates of others changes, and neither do their versions.
    async fn erase(db: &mut PgSession, person: &Person, now: DateTime<Utc>) -> sqlx::Result<u64> {
        let own = blank_templates!(
            "deleted_at is null and organization_id = any($2)",
            now,
            &column(&person.organizations, |organization| organization.uuid()),
        );
        let own = own.execute(&mut *db).await?.rows_affected();
        let of_others = sqlx::query!(
            "update booking_templates set created_by = null where created_by = $1",
            person.user_id.uuid(),
        );
        Ok(own + of_others.execute(db).await?.rows_affected())
    }

    async fn ids_of(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<Vec<String>> {
        let ids = sqlx::query_scalar!(
            r#"select id::text as "id!" from booking_templates where organization_id = any($1)"#,
            &column(organizations, |organization| organization.uuid()),
        );
        ids.fetch_all(db).await
    }
}
