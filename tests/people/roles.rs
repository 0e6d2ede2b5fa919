//! Who may do what: every operation by every role, and what belongs to whom.
mod ownership;

use std::collections::BTreeSet;

use loadmaster_accounts::Role;
use reqwest::Method;

/// What a role meets at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Anything but 401 and 403: the empty or absent body may be refused.
    May,
    /// The caller must say who it is.
    Unknown,
    /// The role is too small.
    Not,
}

use Cell::{May, Not, Unknown};
use loadmaster_testkit::{Answer, Client, NewFlight, World, is_long};

/// For anonymous, guest, customer, operator and admin, as in the contract's table.
const ANYONE: [Cell; 5] = [May, May, May, May, May];
const GUESTS: [Cell; 5] = [Unknown, May, May, May, May];
const CUSTOMERS: [Cell; 5] = [Unknown, Not, May, May, May];
const OPERATORS: [Cell; 5] = [Unknown, Not, Not, May, May];
const ADMINS: [Cell; 5] = [Unknown, Not, Not, Not, May];

/// Every operation of the API. A new one is given its row here.
const TABLE: &[(&str, &str, [Cell; 5])] = &[
    ("POST", "/api/v1/auth/register", ANYONE),
    ("POST", "/api/v1/auth/login", ANYONE),
    ("POST", "/api/v1/auth/token", ANYONE),
    ("POST", "/api/v1/auth/refresh", ANYONE),
    ("POST", "/api/v1/auth/logout", ANYONE),
    ("POST", "/api/v1/auth/guest", ANYONE),
    ("POST", "/api/v1/auth/email/verify", ANYONE),
    ("POST", "/api/v1/auth/password/forgot", ANYONE),
    ("POST", "/api/v1/auth/password/reset", ANYONE),
    ("GET", "/verify-email/{token}", ANYONE),
    ("POST", "/verify-email/{token}", ANYONE),
    ("GET", "/reset-password/{token}", ANYONE),
    ("POST", "/reset-password/{token}", ANYONE),
    ("POST", "/api/v1/auth/email/verification", CUSTOMERS),
    ("POST", "/api/v1/auth/phone/verification", CUSTOMERS),
    ("POST", "/api/v1/auth/phone/verify", CUSTOMERS),
    ("POST", "/api/v1/admin/suppressions", OPERATORS),
    ("DELETE", "/api/v1/admin/suppressions", OPERATORS),
    ("GET", "/api/v1/admin/mailbox", ADMINS),
    ("GET", "/api/v1/admin/mailbox/{id}", ADMINS),
    ("GET", "/api/v1/auth/me", CUSTOMERS),
    ("PATCH", "/api/v1/auth/me", CUSTOMERS),
    ("POST", "/api/v1/auth/password", CUSTOMERS),
    ("POST", "/api/v1/api-keys", CUSTOMERS),
    ("GET", "/api/v1/api-keys", CUSTOMERS),
    ("DELETE", "/api/v1/api-keys/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/api-keys/{id}", ADMINS),
    ("GET", "/api/v1/users", ADMINS),
    ("POST", "/api/v1/users/bulk", ADMINS),
    ("GET", "/api/v1/users/{id}", ADMINS),
    ("PATCH", "/api/v1/users/{id}", ADMINS),
    ("GET", "/api/v1/admin/audit", ADMINS),
    ("GET", "/.well-known/jwks.json", ANYONE),
    ("GET", "/api/v1/airports", ANYONE),
    ("GET", "/api/v1/airports/search", ANYONE),
    ("GET", "/api/v1/airports/popular", ANYONE),
    ("GET", "/api/v1/airports/city/{name}", ANYONE),
    ("GET", "/api/v1/airports/{code}", ANYONE),
    ("GET", "/api/v1/cities", ANYONE),
    ("GET", "/api/v1/cities/{code}", ANYONE),
    ("GET", "/api/v1/airlines", ANYONE),
    ("GET", "/api/v1/airlines/{code}", ANYONE),
    ("GET", "/api/v1/airlines/{code}/routes", ANYONE),
    ("GET", "/api/v1/airlines/routes/search", ANYONE),
    ("GET", "/api/v1/aircraft", ANYONE),
    ("GET", "/api/v1/aircraft/{code}", ANYONE),
    ("GET", "/api/v1/aircraft/{code}/fit", ANYONE),
    ("POST", "/api/v1/airports", ADMINS),
    ("PATCH", "/api/v1/airports/{code}", ADMINS),
    ("DELETE", "/api/v1/airports/{code}", ADMINS),
    ("POST", "/api/v1/airports/import", ADMINS),
    ("GET", "/api/v1/airports/export", ANYONE),
    ("POST", "/api/v1/airports/bulk", ADMINS),
    ("POST", "/api/v1/airlines", ADMINS),
    ("PATCH", "/api/v1/airlines/{code}", ADMINS),
    ("DELETE", "/api/v1/airlines/{code}", ADMINS),
    ("POST", "/api/v1/airlines/import", ADMINS),
    ("GET", "/api/v1/airlines/export", ANYONE),
    ("POST", "/api/v1/airlines/bulk", ADMINS),
    ("POST", "/api/v1/aircraft", ADMINS),
    ("PATCH", "/api/v1/aircraft/{code}", ADMINS),
    ("DELETE", "/api/v1/aircraft/{code}", ADMINS),
    ("POST", "/api/v1/aircraft/import", ADMINS),
    ("GET", "/api/v1/aircraft/export", ANYONE),
    ("POST", "/api/v1/aircraft/bulk", ADMINS),
    ("GET", "/api/v1/flights/export", ANYONE),
    ("GET", "/api/v1/schedules/export", ANYONE),
    ("GET", "/api/v1/flights/{id}/manifest/export", OPERATORS),
    ("GET", "/api/v1/tariffs/export", OPERATORS),
    ("GET", "/api/v1/bookings/export", GUESTS),
    ("GET", "/api/v1/users/export", ADMINS),
    ("GET", "/api/v1/admin/audit/export", ADMINS),
    ("GET", "/api/v1/organizations", ADMINS),
    ("POST", "/api/v1/organizations", ADMINS),
    ("GET", "/api/v1/organizations/{id}", ADMINS),
    ("PATCH", "/api/v1/organizations/{id}", ADMINS),
    ("GET", "/api/v1/admin/jobs", ADMINS),
    ("POST", "/api/v1/admin/jobs/{id}/retry", ADMINS),
    ("DELETE", "/api/v1/admin/jobs/{id}", ADMINS),
    ("GET", "/api/v1/admin/schedules", ADMINS),
    ("POST", "/api/v1/admin/schedules/{name}/run", ADMINS),
    ("GET", "/api/v1/admin/sinks", ADMINS),
    ("GET", "/api/v1/routes/popular", ANYONE),
    ("GET", "/api/v1/analytics/volume", CUSTOMERS),
    ("GET", "/api/v1/analytics/volume/export", CUSTOMERS),
    ("GET", "/api/v1/analytics/flights", CUSTOMERS),
    ("GET", "/api/v1/analytics/flights/export", CUSTOMERS),
    ("GET", "/api/v1/analytics/transit-times", CUSTOMERS),
    ("GET", "/api/v1/analytics/transit-times/export", CUSTOMERS),
    ("GET", "/api/v1/analytics/funnel", OPERATORS),
    ("GET", "/api/v1/analytics/funnel/export", OPERATORS),
    ("GET", "/api/v1/analytics/daily", OPERATORS),
    ("GET", "/api/v1/analytics/daily/export", OPERATORS),
    ("GET", "/api/v1/analytics/demand", OPERATORS),
    ("GET", "/api/v1/analytics/demand/export", OPERATORS),
    ("GET", "/api/v1/analytics/searches", OPERATORS),
    ("GET", "/api/v1/analytics/searches/export", OPERATORS),
    ("GET", "/api/v1/handling-codes", ANYONE),
    ("GET", "/api/v1/regions", ANYONE),
    ("GET", "/api/v1/embargoes", ANYONE),
    ("POST", "/api/v1/embargoes", ADMINS),
    ("GET", "/api/v1/embargoes/{id}", ANYONE),
    ("PATCH", "/api/v1/embargoes/{id}", ADMINS),
    ("DELETE", "/api/v1/embargoes/{id}", ADMINS),
    ("GET", "/api/v1/stations", ANYONE),
    ("GET", "/api/v1/stations/{code}", ANYONE),
    ("PUT", "/api/v1/stations/{code}", OPERATORS),
    ("GET", "/api/v1/stations/{code}/image", ANYONE),
    ("PUT", "/api/v1/stations/{code}/image", ADMINS),
    ("DELETE", "/api/v1/stations/{code}/image", ADMINS),
    ("GET", "/api/v1/airlines/{code}/logo", ANYONE),
    ("PUT", "/api/v1/airlines/{code}/logo", ADMINS),
    ("DELETE", "/api/v1/airlines/{code}/logo", ADMINS),
    ("GET", "/api/v1/airline-logos", ANYONE),
    ("GET", "/api/v1/stations/{code}/tips", ANYONE),
    ("POST", "/api/v1/stations/{code}/tips", CUSTOMERS),
    ("GET", "/api/v1/tips", OPERATORS),
    ("POST", "/api/v1/tips/{id}/approve", OPERATORS),
    ("POST", "/api/v1/tips/{id}/reject", OPERATORS),
    ("POST", "/api/v1/tips/{id}/report", CUSTOMERS),
    ("POST", "/api/v1/tips/bulk", OPERATORS),
    ("GET", "/api/v1/stations/trending", ANYONE),
    ("GET", "/api/v1/stations/{code}/insights", ANYONE),
    ("POST", "/api/v1/stations/import", ADMINS),
    ("GET", "/api/v1/stations/export", ANYONE),
    ("POST", "/api/v1/stations/bulk", ADMINS),
    ("GET", "/api/v1/station-tags", ANYONE),
    ("POST", "/api/v1/station-tags", ADMINS),
    ("GET", "/api/v1/station-tags/{id}", ANYONE),
    ("PATCH", "/api/v1/station-tags/{id}", ADMINS),
    ("DELETE", "/api/v1/station-tags/{id}", ADMINS),
    ("GET", "/api/v1/station-collections", ANYONE),
    ("POST", "/api/v1/station-collections", ADMINS),
    ("GET", "/api/v1/station-collections/{id}", ANYONE),
    ("PATCH", "/api/v1/station-collections/{id}", ADMINS),
    ("DELETE", "/api/v1/station-collections/{id}", ADMINS),
    ("GET", "/api/v1/quotes", GUESTS),
    ("POST", "/api/v1/quotes", GUESTS),
    ("GET", "/api/v1/quotes/{id}", GUESTS),
    ("GET", "/api/v1/parties", CUSTOMERS),
    ("POST", "/api/v1/parties", CUSTOMERS),
    ("GET", "/api/v1/parties/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/parties/{id}", CUSTOMERS),
    ("DELETE", "/api/v1/parties/{id}", CUSTOMERS),
    ("GET", "/api/v1/alerts", CUSTOMERS),
    ("POST", "/api/v1/alerts", CUSTOMERS),
    ("POST", "/api/v1/alerts/bulk", CUSTOMERS),
    ("GET", "/api/v1/alerts/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/alerts/{id}", CUSTOMERS),
    ("DELETE", "/api/v1/alerts/{id}", CUSTOMERS),
    ("GET", "/api/v1/feeds", OPERATORS),
    ("POST", "/api/v1/feeds", ADMINS),
    ("GET", "/api/v1/feeds/{id}", OPERATORS),
    ("PATCH", "/api/v1/feeds/{id}", ADMINS),
    ("DELETE", "/api/v1/feeds/{id}", ADMINS),
    ("POST", "/api/v1/feeds/{id}/reset", ADMINS),
    ("GET", "/api/v1/feeds/{id}/runs", OPERATORS),
    ("POST", "/api/v1/feeds/{id}/runs", ADMINS),
    ("GET", "/api/v1/feeds/{id}/runs/{run_id}", OPERATORS),
    ("GET", "/api/v1/feeds/{id}/runs/{run_id}/faults", OPERATORS),
    ("GET", "/api/v1/feeds/{id}/runs/{run_id}/differences", OPERATORS),
    ("POST", "/api/v1/feeds/{id}/runs/{run_id}/apply", ADMINS),
    ("POST", "/api/v1/feeds/{id}/runs/{run_id}/reject", ADMINS),
    ("GET", "/api/v1/consolidations", CUSTOMERS),
    ("POST", "/api/v1/consolidations", CUSTOMERS),
    ("POST", "/api/v1/consolidations/join", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/consolidations/{id}", CUSTOMERS),
    ("DELETE", "/api/v1/consolidations/{id}", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}/events", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/members", CUSTOMERS),
    ("DELETE", "/api/v1/consolidations/{id}/members/{organization_id}", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}/parts", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/parts", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}/parts/{part_id}", CUSTOMERS),
    ("PATCH", "/api/v1/consolidations/{id}/parts/{part_id}", CUSTOMERS),
    ("DELETE", "/api/v1/consolidations/{id}/parts/{part_id}", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/hold", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/release", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/book", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/masters/{origin}/amend", CUSTOMERS),
    ("POST", "/api/v1/consolidations/{id}/search", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}/masters/{origin}/manifest", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}/masters/{origin}/manifest/export", CUSTOMERS),
    ("GET", "/api/v1/consolidations/{id}/split", CUSTOMERS),
    ("GET", "/api/v1/booking-templates", CUSTOMERS),
    ("POST", "/api/v1/booking-templates", CUSTOMERS),
    ("GET", "/api/v1/booking-templates/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/booking-templates/{id}", CUSTOMERS),
    ("DELETE", "/api/v1/booking-templates/{id}", CUSTOMERS),
    ("POST", "/api/v1/tariffs/import", ADMINS),
    ("GET", "/api/v1/tariffs", OPERATORS),
    ("POST", "/api/v1/tariffs", ADMINS),
    ("GET", "/api/v1/tariffs/default", OPERATORS),
    ("GET", "/api/v1/tariffs/{id}", OPERATORS),
    ("PATCH", "/api/v1/tariffs/{id}", ADMINS),
    ("DELETE", "/api/v1/tariffs/{id}", ADMINS),
    ("GET", "/api/v1/surcharges", OPERATORS),
    ("POST", "/api/v1/surcharges", ADMINS),
    ("GET", "/api/v1/surcharges/{id}", OPERATORS),
    ("PATCH", "/api/v1/surcharges/{id}", ADMINS),
    ("DELETE", "/api/v1/surcharges/{id}", ADMINS),
    ("GET", "/api/v1/sales", OPERATORS),
    ("POST", "/api/v1/sales", ADMINS),
    ("GET", "/api/v1/sales/{id}", OPERATORS),
    ("PATCH", "/api/v1/sales/{id}", ADMINS),
    ("DELETE", "/api/v1/sales/{id}", ADMINS),
    ("GET", "/api/v1/flights", ANYONE),
    ("POST", "/api/v1/flights", ADMINS),
    ("POST", "/api/v1/flights/import", ADMINS),
    ("POST", "/api/v1/flights/bulk", ADMINS),
    ("GET", "/api/v1/flights/{id}", ANYONE),
    ("PATCH", "/api/v1/flights/{id}", ADMINS),
    ("POST", "/api/v1/flights/{id}/depart", OPERATORS),
    ("POST", "/api/v1/flights/{id}/arrive", OPERATORS),
    ("POST", "/api/v1/flights/{id}/cancel", ADMINS),
    ("GET", "/api/v1/flights/{id}/manifest", OPERATORS),
    ("GET", "/api/v1/flights/connections", OPERATORS),
    ("GET", "/api/v1/flights/{id}/connections", OPERATORS),
    ("GET", "/api/v1/flights/{id}/availability", ANYONE),
    ("GET", "/api/v1/routes", ANYONE),
    ("POST", "/api/v1/routes/search", ANYONE),
    ("POST", "/api/v1/routes/group-search", ANYONE),
    ("GET", "/api/v1/routes/days", ANYONE),
    ("GET", "/api/v1/rates/history", ANYONE),
    ("GET", "/api/v1/rates/booking-window", ANYONE),
    ("GET", "/api/v1/bookings", GUESTS),
    ("POST", "/api/v1/bookings", CUSTOMERS),
    ("POST", "/api/v1/bookings/bulk", OPERATORS),
    ("GET", "/api/v1/bookings/{ref_id}", GUESTS),
    ("PATCH", "/api/v1/bookings/{ref_id}", CUSTOMERS),
    ("DELETE", "/api/v1/bookings/{ref_id}", GUESTS),
    ("GET", "/api/v1/bookings/{ref_id}/status", GUESTS),
    ("GET", "/api/v1/bookings/{ref_id}/history", GUESTS),
    ("POST", "/api/v1/bookings/{ref_id}/depart", OPERATORS),
    ("POST", "/api/v1/bookings/{ref_id}/correct", OPERATORS),
    ("POST", "/api/v1/bookings/{ref_id}/arrive", OPERATORS),
    ("POST", "/api/v1/bookings/{ref_id}/deliver", OPERATORS),
    ("POST", "/api/v1/bookings/{ref_id}/cancel", GUESTS),
    ("POST", "/api/v1/bookings/claim", CUSTOMERS),
    ("POST", "/api/v1/bookings/guest", ANYONE),
    ("POST", "/api/v1/bookings/guest/cancel", ANYONE),
    ("POST", "/api/v1/bookings/guest/payments", ANYONE),
    ("GET", "/api/v1/holds", GUESTS),
    ("POST", "/api/v1/holds", GUESTS),
    ("GET", "/api/v1/holds/{id}", GUESTS),
    ("PATCH", "/api/v1/holds/{id}", GUESTS),
    ("DELETE", "/api/v1/holds/{id}", GUESTS),
    ("POST", "/api/v1/holds/{id}/extend", GUESTS),
    ("POST", "/api/v1/holds/{id}/release", GUESTS),
    ("POST", "/api/v1/holds/{id}/commit", GUESTS),
    ("GET", "/api/v1/flights/{id}/positions", ANYONE),
    ("GET", "/api/v1/flights/{id}/reservations", CUSTOMERS),
    ("POST", "/api/v1/flights/{id}/reservations", CUSTOMERS),
    ("DELETE", "/api/v1/flights/{id}/reservations/{hold_id}", CUSTOMERS),
    ("GET", "/api/v1/webhooks", CUSTOMERS),
    ("POST", "/api/v1/webhooks", CUSTOMERS),
    ("GET", "/api/v1/webhooks/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/webhooks/{id}", CUSTOMERS),
    ("DELETE", "/api/v1/webhooks/{id}", CUSTOMERS),
    ("POST", "/api/v1/webhooks/{id}/secret", CUSTOMERS),
    ("POST", "/api/v1/webhooks/{id}/test", CUSTOMERS),
    ("GET", "/api/v1/webhooks/{id}/deliveries", CUSTOMERS),
    ("GET", "/api/v1/webhooks/{id}/deliveries/{delivery_id}", CUSTOMERS),
    ("POST", "/api/v1/webhooks/{id}/deliveries/{delivery_id}/resend", CUSTOMERS),
    ("POST", "/api/v1/webhooks/{id}/resend", CUSTOMERS),
    ("GET", "/api/v1/waitlist", CUSTOMERS),
    ("POST", "/api/v1/waitlist", CUSTOMERS),
    ("GET", "/api/v1/waitlist/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/waitlist/{id}", OPERATORS),
    ("DELETE", "/api/v1/waitlist/{id}", CUSTOMERS),
    ("POST", "/api/v1/waitlist/{id}/cancel", CUSTOMERS),
    ("POST", "/api/v1/waitlist/{id}/move", OPERATORS),
    ("POST", "/api/v1/waitlist/{id}/book", CUSTOMERS),
    ("POST", "/api/v1/waitlist/{id}/decline", CUSTOMERS),
    ("GET", "/api/v1/allotments", CUSTOMERS),
    ("POST", "/api/v1/allotments", ADMINS),
    ("GET", "/api/v1/allotments/{id}", CUSTOMERS),
    ("PATCH", "/api/v1/allotments/{id}", ADMINS),
    ("DELETE", "/api/v1/allotments/{id}", ADMINS),
    ("GET", "/api/v1/allotments/{id}/flights", CUSTOMERS),
    ("GET", "/api/v1/bookings/{ref_id}/payments", GUESTS),
    ("POST", "/api/v1/bookings/{ref_id}/payments", GUESTS),
    ("GET", "/api/v1/bookings/{ref_id}/cancellation", GUESTS),
    ("POST", "/api/v1/bookings/{ref_id}/refunds", ADMINS),
    ("GET", "/api/v1/payments", GUESTS),
    ("GET", "/api/v1/payments/{id}", GUESTS),
    ("POST", "/api/v1/payments/{id}/capture", ADMINS),
    ("POST", "/api/v1/payments/{id}/void", ADMINS),
    ("POST", "/api/v1/payments/{id}/resolve", ADMINS),
    ("POST", "/api/v1/payments/webhooks/{provider}", ANYONE),
    ("GET", "/api/v1/test-payments/journal", ADMINS),
    ("POST", "/api/v1/test-payments/{reference}/confirm", GUESTS),
    ("POST", "/api/v1/test-payments/{reference}/fail", GUESTS),
    ("GET", "/api/v1/organizations/{id}/credit", CUSTOMERS),
    ("PATCH", "/api/v1/organizations/{id}/credit", ADMINS),
    ("GET", "/api/v1/organizations/{id}/credit/entries", CUSTOMERS),
    ("GET", "/api/v1/organizations/{id}/credit/statement", CUSTOMERS),
    ("POST", "/api/v1/organizations/{id}/credit/payments", ADMINS),
    ("GET", "/api/v1/notifications", CUSTOMERS),
    ("GET", "/api/v1/notifications/preferences", CUSTOMERS),
    ("PUT", "/api/v1/notifications/preferences", CUSTOMERS),
    ("GET", "/api/v1/bookings/{ref_id}/contacts", CUSTOMERS),
    ("PUT", "/api/v1/bookings/{ref_id}/contacts", CUSTOMERS),
    ("GET", "/api/v1/admin/notifications", OPERATORS),
    ("POST", "/api/v1/admin/notifications/{id}/resend", OPERATORS),
    ("GET", "/confirm/{token}", ANYONE),
    ("POST", "/confirm/{token}", ANYONE),
    ("GET", "/unsubscribe/{token}", ANYONE),
    ("POST", "/unsubscribe/{token}", ANYONE),
    ("GET", "/api/v1/tracking/{number}", ANYONE),
    ("GET", "/api/v1/flights/{id}/stream", ANYONE),
    ("GET", "/api/v1/bookings/{ref_id}/stream", GUESTS),
    ("GET", "/api/v1/tracking/{number}/stream", ANYONE),
    ("GET", "/api/v1/stream", OPERATORS),
    ("POST", "/api/v1/stream-tickets", GUESTS),
    ("POST", "/graphql", ANYONE),
    ("GET", "/graphql/schema", ANYONE),
    ("GET", "/api/v1/health", ANYONE),
    ("GET", "/api/v1/info", ANYONE),
    ("GET", "/api/v1/event-types", ANYONE),
    ("GET", "/api/v1/event-types/{type}", ANYONE),
    ("GET", "/api/metrics/summary", OPERATORS),
    ("GET", "/health", ANYONE),
    ("GET", "/health/detailed", OPERATORS),
    ("GET", "/livez", ANYONE),
    ("GET", "/readyz", ANYONE),
    ("GET", "/metrics", ANYONE),
    ("GET", "/problems", ANYONE),
    ("GET", "/problems/{code}", ANYONE),
];

/// What only people who are logged in may do, whatever the role of their keys.
const NOT_FOR_KEYS: [(&str, &str); 2] = [("POST", "/api/v1/auth/password"), ("POST", "/api/v1/api-keys")];

/// Method and path template of every operation that the document names.
fn documented_operations() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(loadmaster::app::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &serde_json::Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(|method| (method.to_uppercase(), path.clone())))
        .collect()
}

/// Each with its column of the table.
async fn callers(world: &World) -> Vec<(&'static str, usize, Client)> {
    let [customer, operator, admin] = [world.customer().await, world.operator().await, world.admin().await];
    vec![
        ("nobody", 0, world.anonymous()),
        ("a guest", 1, world.caller(Role::Guest).await),
        ("a customer", 2, customer.clone()),
        ("an operator", 3, operator.clone()),
        ("an administrator", 4, admin.clone()),
        ("a guest's key of an administrator", 1, key(&admin, "guest").await),
        ("a customer's key", 2, key(&customer, "customer").await),
        ("a customer's key of an administrator", 2, key(&admin, "customer").await),
        ("an operator's key", 3, key(&operator, "operator").await),
        ("an administrator's key", 4, key(&admin, "admin").await),
    ]
}

/// A program with a key of this role.
async fn key(owner: &Client, role: &str) -> Client {
    let body = serde_json::json!({"name": "table", "role": role});
    let key = owner.post("/api/v1/api-keys", body).await.expect(201);
    owner.with_token(key["key"].as_str().unwrap())
}

async fn send(caller: &Client, method: &str, path: &str) -> Answer {
    let request = caller.request(method.parse::<Method>().unwrap(), path);
    // A body that no operation takes.
    let request = match method {
        "POST" | "PATCH" => request.header("content-type", "application/json").body("{\"no such member\": 1}"),
        _ => request,
    };
    Answer::of(request).await
}

#[track_caller]
fn check(cell: Cell, answer: Answer, told: &str) {
    match (cell, answer.status.as_u16()) {
        (Unknown, 401) => drop(answer.expect_problem(401, "unauthenticated")),
        (Not, 403) => drop(answer.expect_problem(403, "forbidden")),
        (May, status) if !matches!(status, 401 | 403) => assert!(status < 500, "{told}: {}", answer.text),
        (_, status) => panic!("{told}: expected {cell:?}, got {status}: {}", answer.text),
    }
}

#[test]
fn the_table_has_a_row_for_every_operation() {
    let rows: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(rows.len(), TABLE.len(), "a row is there twice");
    assert_eq!(rows, documented_operations());
}

#[tokio::test]
async fn every_role_meets_at_every_operation_what_the_table_says() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let callers = callers(&world).await;
    let order = serde_json::json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1});
    let booking = world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    // What is there, and what is not: the role is judged before existence.
    let user = booking["created_by"].as_str().unwrap();
    let there = [flight["id"].as_str().unwrap(), booking["ref_id"].as_str().unwrap(), user];
    let absent = ["019a0000-0000-7000-8000-000000000000", "ACB000000000", "019a0000-0000-7000-8000-000000000001"];
    for (round, [id, ref_id, user]) in [there, absent, ["no-id", "no-ref", "no-user"]].into_iter().enumerate() {
        for (row, (method, template, cells)) in TABLE.iter().enumerate() {
            let path = template
                .replace("/users/{id}", &format!("/users/{user}"))
                .replace("{id}", id)
                .replace("{hold_id}", id)
                .replace("{ref_id}", ref_id)
                .replace("{number}", ref_id);
            let path = path.replace("{code}", "AI").replace("{name}", "Delhi");
            let least = cells.iter().position(|cell| *cell == May).expect("somebody may");
            for (number, (who, column, caller)) in callers.iter().enumerate() {
                // With little time each is asked about one of the three, the least who may about all, and the greatest who
                // may not about what is there.
                let is_next_to_the_line = *column == least || (round == 0 && *column + 1 == least);
                let is_asked =
                    (row + round + number).is_multiple_of(3) || (number < cells.len() && is_next_to_the_line);
                if !is_asked && !is_long() {
                    continue;
                }
                let answer = send(caller, method, &path).await;
                let refuses_keys = who.contains("key") && NOT_FOR_KEYS.contains(&(*method, *template));
                check(if refuses_keys { Not } else { cells[*column] }, answer, &format!("{method} {path} as {who}"));
            }
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn the_document_says_of_every_operation_whether_it_needs_a_credential() {
    let document = serde_json::to_value(loadmaster::app::openapi()).unwrap();
    for (method, path, cells) in TABLE {
        let operation = &document["paths"][*path][method.to_lowercase()];
        let told = format!("{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        let is_restricted = !operation["security"].as_array().unwrap().is_empty();
        assert_eq!(is_restricted, cells[0] == Unknown, "{told}: security");
        assert!(cells[0] != Unknown || responses.contains_key("401"), "{told}: 401");
        assert!(cells[1] != Not || responses.contains_key("403"), "{told}: 403");
    }
}
