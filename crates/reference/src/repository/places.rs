use std::collections::BTreeMap;

use loadmaster_kernel::{AirportCode, CityCode};
use loadmaster_platform::postgres::PgSession;
use sqlx::PgConnection;

use super::joined;

use crate::model::{City, PlaceName};

pub(crate) async fn cities(db: &mut PgSession) -> sqlx::Result<BTreeMap<CityCode, City>> {
    let rows = sqlx::query!(
        r#"select code as "code: CityCode", name, country_code, airports as "airports: Vec<AirportCode>" from cities"#
    )
    .fetch_all(&mut *db)
    .await?;
    let city = |code, name, country_code, airports| City { code, name, country_code, airports };
    Ok(rows.into_iter().map(|row| (row.code, city(row.code, row.name, row.country_code, row.airports))).collect())
}

pub(crate) async fn names(db: &mut PgSession) -> sqlx::Result<Vec<PlaceName>> {
    sqlx::query_as!(PlaceName, "select name, city, country_code from place_names order by name, country_code")
        .fetch_all(&mut *db)
        .await
}

/// Makes these all of the cities.
pub(crate) async fn set_cities(tx: &mut PgConnection, cities: &BTreeMap<CityCode, City>) -> sqlx::Result<()> {
    let rows: Vec<&City> = cities.values().collect();
    let codes: Vec<CityCode> = rows.iter().map(|city| city.code).collect();
    sqlx::query!("delete from cities where code <> all($1::text[])", &codes as &[CityCode]).execute(&mut *tx).await?;
    sqlx::query!(
        "insert into cities (code, name, country_code, airports)
         select given.code, given.name, given.country_code, string_to_array(given.airports, ' ')
           from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as given (code, name, country_code, airports)
         on conflict (code) do update
            set name = excluded.name, country_code = excluded.country_code, airports = excluded.airports
          where cities.* is distinct from excluded.*",
        &codes as &[CityCode],
        &rows.iter().map(|city| city.name.as_str()).collect::<Vec<_>>() as &[&str],
        &rows.iter().map(|city| city.country_code.as_str()).collect::<Vec<_>>() as &[&str],
        &rows.iter().map(|city| joined(&city.airports)).collect::<Vec<_>>(),
    )
    .execute(&mut *tx)
    .await
    .map(drop)
}

/// Makes these all of the names.
pub(crate) async fn set_names(tx: &mut PgConnection, names: &[PlaceName]) -> sqlx::Result<()> {
    let (texts, countries): (Vec<&str>, Vec<&str>) =
        names.iter().map(|name| (name.name.as_str(), name.country_code.as_str())).unzip();
    sqlx::query!(
        "delete from place_names
          where not exists (select from unnest($1::text[], $2::text[]) as given (name, country_code)
                             where given.name = place_names.name and given.country_code = place_names.country_code)",
        &texts as &[&str],
        &countries as &[&str],
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into place_names (name, country_code, city)
         select * from unnest($1::text[], $2::text[], $3::text[])
         on conflict (name, country_code) do update set city = excluded.city where place_names.city <> excluded.city",
        &texts as &[&str],
        &countries as &[&str],
        &names.iter().map(|name| name.city.as_str()).collect::<Vec<_>>() as &[&str],
    )
    .execute(&mut *tx)
    .await
    .map(drop)
}
