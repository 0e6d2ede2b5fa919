use serde_json::{Value, json};

use super::{any_flight, at, firm, of_weight, searches::asked, searches::write};
use loadmaster_testkit::World;

const POPULAR: &str = "/api/v1/routes/popular";

/// So many callers ask for a lane.
async fn search(world: &World, origin: &str, destination: &str, callers: usize) {
    for _ in 0..callers {
        let guest = world.anonymous().poke("/api/v1/auth/guest").await.expect(200);
        let guest = world.anonymous().with_token(guest["access_token"].as_str().unwrap());
        guest.post("/api/v1/routes/search", asked(origin, destination, json!({}))).await.expect(200);
    }
    write(world).await;
}

async fn renew(world: &World) {
    world.state().background.run_now("popular_lanes").await.unwrap();
}

/// Rank, former rank and lane of each.
fn lanes(found: &Value) -> Vec<(i64, Option<i64>, String)> {
    let text = |lane: &Value, name: &str| lane[name].as_str().unwrap().to_owned();
    let lane = |lane: &Value| {
        let name = format!("{}-{}", text(lane, "origin"), text(lane, "destination"));
        (lane["rank"].as_i64().unwrap(), lane["former_rank"].as_i64(), name)
    };
    found.as_array().unwrap().iter().map(lane).collect()
}

fn expected(lanes: &[(i64, Option<i64>, &str)]) -> Vec<(i64, Option<i64>, String)> {
    lanes.iter().map(|(rank, former, lane)| (*rank, *former, (*lane).to_owned())).collect()
}

#[tokio::test]
async fn lanes_are_ranked_by_searches_and_compared_with_the_period_before() {
    let world = World::start().await;
    let anyone = world.anonymous();
    assert_eq!(anyone.get(POPULAR).await.expect(200), json!([]));
    search(&world, "DEL", "LHR", 5).await;
    search(&world, "BOM", "LHR", 6).await;
    search(&world, "DEL", "DXB", 4).await;
    renew(&world).await;
    let found = anyone.get(&format!("{POPULAR}?period=day")).await.expect(200);
    assert_eq!(lanes(&found), expected(&[(1, None, "BOM-LHR"), (2, None, "DEL-LHR")]), "four searches are too few");
    assert!(found[0]["searches"].is_null() && found[0]["bookings"].is_null(), "others see no numbers: {found}");

    at(&world, "2026-11-21T10:00:00Z");
    search(&world, "DEL", "LHR", 8).await;
    search(&world, "BOM", "LHR", 5).await;
    search(&world, "DEL", "DXB", 9).await;
    assert_eq!(lanes(&anyone.get(&format!("{POPULAR}?period=day")).await.expect(200)).len(), 2, "not before the job");
    renew(&world).await;
    let find = async |query: &str| lanes(&anyone.get(&format!("{POPULAR}?{query}")).await.expect(200));
    let day = [(1, None, "DEL-DXB"), (2, Some(2), "DEL-LHR"), (3, Some(1), "BOM-LHR")];
    assert_eq!(find("period=day").await, expected(&day));
    let week = [(1, None, "DEL-DXB"), (2, None, "DEL-LHR"), (3, None, "BOM-LHR")];
    assert_eq!(find("").await, expected(&week), "13, 13 and 11 searches");
    assert_eq!(find("period=month&limit=1").await, expected(&week[..1]));
    let from_delhi = [(1, None, "DEL-DXB"), (2, Some(1), "DEL-LHR")];
    assert_eq!(find("period=day&origin=DEL").await, expected(&from_delhi), "ranks among the lanes from there");
    assert_eq!(find("origin=JFK").await, expected(&[]));
}

#[tokio::test]
async fn the_carriers_staff_sees_searches_and_bookings() {
    let world = World::start().await;
    let (customer, _) = firm(&world).await;
    let flight = any_flight(&world, "AI101", "DEL", "LHR").await;
    customer.book(of_weight(&flight, 10.0)).await;
    customer.book(of_weight(&flight, 10.0)).await;
    search(&world, "DEL", "LHR", 7).await;
    renew(&world).await;
    let whole =
        json!([{"rank": 1, "former_rank": null, "origin": "DEL", "destination": "LHR", "searches": 7, "bookings": 2}]);
    assert_eq!(world.operator().await.get(POPULAR).await.expect(200), whole);
    let part = json!([{"rank": 1, "former_rank": null, "origin": "DEL", "destination": "LHR", "searches": null,
        "bookings": null}]);
    for client in [&customer, &world.anonymous()] {
        assert_eq!(client.get(POPULAR).await.expect(200), part);
    }
    // Sums of days count as their searches did; a month later none is left.
    at(&world, "2026-12-21T12:00:00Z");
    world.state().background.run_now("old_searches").await.unwrap();
    search(&world, "DEL", "LHR", 5).await;
    renew(&world).await;
    let found = world.anonymous().get(&format!("{POPULAR}?period=month")).await.expect(200);
    assert_eq!(lanes(&found), expected(&[(1, Some(1), "DEL-LHR")]));
    at(&world, "2027-03-21T08:00:00Z");
    renew(&world).await;
    assert_eq!(world.anonymous().get(POPULAR).await.expect(200), json!([]));
}

#[tokio::test]
async fn each_fault_of_a_query_of_popular_lanes_is_reported() {
    let world = World::start().await;
    for (query, name, code) in [
        ("period=year", "period", "unknown_value"),
        ("origin=QQQ", "origin", "unknown_value"),
        ("limit=0", "limit", "too_small"),
        ("limit=101", "limit", "too_large"),
        ("destination=LHR", "destination", "unknown_field"),
    ] {
        let faults = world.anonymous().get(&format!("{POPULAR}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    world.anonymous().with_token("nonsense").get(POPULAR).await.expect_problem(401, "unauthenticated");
}
