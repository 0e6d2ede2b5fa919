//! No list goes on by a cursor that is not its own: walked over all lists of the API's description. That a list's own cursor is
//! refused with other filters and in another's hands is checked where all lists have several pages: with a million bookings.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    NewFlight, WorldOptions,
    freight::{BOOKINGS, order, text},
};
use sqlx::Executor;
use uuid::Uuid;

use super::described::{described, next};

/// One of what the paths of lists name; bookings and flights are made through the API.
const THINGS: &str = "
    insert into webhooks (id, organization_id, url, types, origins, destinations, scope, secret, created_by, changed_by, by_operator,
                          created_at, updated_at)
    values (':id', ':organization', 'https://a.example/', '{loadmaster.booking.*}', '{}', '{}', 'all', '', ':id', ':id', true, now(), now());
    insert into allotments (id, organization_id, name, origin, destination, weekdays, date_from, date_to, weight_hg, volume_l,
                            volume_defaulted, positions, release_hours, created_by, created_at, updated_at)
    values (':id', ':organization', 'One', 'DEL', 'LHR', '{1}', '2026-11-20', '2026-11-21', 1, 1, false, 0, 1, ':id', now(), now());
    insert into consolidations (id, organization_id, name, destination, created_at, updated_at)
    values (':id', ':organization', 'One', 'LHR', now(), now());
    insert into feeds (id, name, kind, format, airline_codes, every_minutes, apply, cancels_absent, status, changed_by, created_at, updated_at)
    values (':id', 'One', 'FLIGHTS', 'CSV', '{AI}', 60, 'REVIEW', false, 'ACTIVE', ':id', now(), now());
    insert into feed_runs (id, feed_id, trigger, status, started_at, ended_at) values (':id', ':id', 'FILE', 'APPLIED', now(), now());
    insert into credit_accounts (organization_id, currency, credit_limit, used, entries, created_at, updated_at)
    values (':organization', 'USD', 0, 0, 1, now(), now())";

#[tokio::test]
async fn no_list_takes_a_cursor_of_another_list() {
    let world = WorldOptions::default().set("payments.provider", "test").start().await;
    let (id, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let admin = world.caller_in(Role::Admin, id, organization).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = admin.book(order(&[&flight])).await;
    admin.book(order(&[&flight])).await;
    let things = THINGS.replace(":id", &id.to_string()).replace(":organization", &organization.to_string());
    world.owner().await.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(things))).await.unwrap();

    let link = next(&admin.get(&format!("{BOOKINGS}?limit=1")).await).expect("a second page");
    let (_, genuine) = link.split_once("cursor=").unwrap();
    let mut tried = 0;
    for (name, list) in described() {
        let own = match &*list.path {
            path if path.starts_with("/api/v1/flights/") => text(&flight, "id").to_owned(),
            path if path.starts_with("/api/v1/organizations/") => organization.to_string(),
            path if path.contains("{ref_id}") || path.contains("{number}") => text(&booking, "ref_id").to_owned(),
            path if path.starts_with("/api/v1/stations/") => "DEL".to_owned(),
            path if path.contains("{code}") => "AI".to_owned(),
            _ => id.to_string(),
        };
        let mut path = list.path.clone();
        while let Some(head) = path.find('{') {
            let tail = path.find('}').unwrap();
            path.replace_range(head..=tail, &own);
        }
        let required: Vec<String> =
            list.filters.iter().filter(|(_, required)| **required).map(|(name, _)| name.clone()).collect();
        let mut query: Vec<String> =
            required.iter().map(|name| format!("{name}={}", if name == "origin" { "DEL" } else { "LHR" })).collect();
        for cursor in ["x", "AAAA", &genuine[1..], genuine] {
            if cursor == genuine && name == "listBookings" {
                continue;
            }
            query.push(format!("cursor={cursor}"));
            let refused = admin.get(&format!("{path}?{}", query.join("&"))).await;
            assert_eq!(refused.status, 400, "{name}: {}", refused.text);
            refused.expect_problem(400, "invalid_cursor");
            query.pop();
        }
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
}
