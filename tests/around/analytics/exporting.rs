use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use loadmaster_testkit::{
    Client, NewFlight, World,
    billing::Market,
    freight::{order, text},
};
use reqwest::Method;

use super::{FLIGHTS, FUNNEL, TRANSIT, VOLUME, any_flight, firm, of_weight};

async fn exported(client: &Client, path: &str, media: &str) -> Vec<u8> {
    let answer = client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(media), "{path}");
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    answer.bytes().await.unwrap().to_vec()
}

async fn csv(client: &Client, path: &str) -> Vec<String> {
    let text = String::from_utf8(exported(client, path, "text/csv").await).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_report_is_exported_with_what_the_limit_left_out() {
    let world = World::start().await;
    let ((first, _), (second, _)) = (firm(&world).await, firm(&world).await);
    let booked = [("AI101", "DEL", "LHR", 30.0), ("AI102", "DEL", "DXB", 20.0), ("AI103", "BOM", "LHR", 10.5)];
    for (number, origin, destination, weight) in booked {
        let flight = any_flight(&world, number, origin, destination).await;
        first.book(of_weight(&flight, weight)).await;
    }
    let header = "\"period\",\"key\",\"bookings\",\"cancelled\",\"pieces\",\"weight_kg\",\"chargeable_weight_kg\",\"co2e_kg\",\"change_percent\"";
    let lines = csv(&first, &format!("{VOLUME}/export?group=lane&limit=2")).await;
    let expected = [
        header,
        "\"2026-11-20\",\"DEL-LHR\",1,0,3,30,30,,",
        "\"2026-11-20\",\"DEL-DXB\",1,0,3,20,20,,",
        ",\"other\",1,0,3,10.5,17,,",
    ];
    assert_eq!(lines, expected);
    assert_eq!(csv(&second, &format!("{VOLUME}/export")).await, [header], "another's figures are not its own");

    let book = exported(&first, &format!("{VOLUME}/export?group=lane&format=xlsx"), "application/vnd.openxml").await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book)).unwrap();
    let sheet = book.worksheet_range("volume").unwrap();
    let cells: Vec<_> = sheet.rows().map(<[Data]>::to_vec).collect();
    assert_eq!((cells.len(), &cells[3][1], &cells[3][5]), (4, &Data::String("BOM-LHR".to_owned()), &Data::Float(10.5)));
    first.get(&format!("{VOLUME}/export?format=pdf")).await.expect_faults();
    world.operator().await.get(&format!("{VOLUME}/export")).await.expect(200);
    let acts = world.admin().await.get("/api/v1/admin/audit").await.expect(200);
    assert!(!acts.to_string().contains(".exported"), "figures are nobody's data: {acts}");
}

#[tokio::test]
async fn revenue_has_a_column_of_numbers_for_each_currency() {
    let market = Market::open().await;
    market.paid().await;
    let lines = csv(&market.customer, &format!("{VOLUME}/export")).await;
    assert!(lines[0].ends_with(",\"change_percent\",\"revenue_USD\",\"yield_per_kg_USD\""), "{lines:?}");
    assert!(lines[1].ends_with(",,900.00,9"), "{lines:?}");
}

#[tokio::test]
async fn all_reports_are_exported() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(200.0).volume(10.0).positions(0)).await;
    let (customer, operator) = (firm(&world).await.0, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    let query = "from=2026-11-20&to=2026-11-22";
    let flights = csv(&operator, &format!("{FLIGHTS}/export?{query}&group=flight_number")).await;
    assert_eq!(flights[0].matches(',').count(), 24);
    assert_eq!(flights[1], "\"2026-11-21\",\"AI101\",1,0,0,,,0,,,200,10,0,100,1,0,50,10,,0,0,0,100,9,0");
    let own = csv(&customer, &format!("{FLIGHTS}/export?{query}")).await;
    assert_eq!(own[1], "\"2026-11-21\",,1,0,0,,,0,,,,,,,,,,,,,,,,,", "what the carrier alone may know is empty");
    operator.walk(&booking, &["depart", "arrive"]).await;
    let transit = csv(&customer, &format!("{TRANSIT}/export?group=lane")).await;
    assert_eq!(
        transit[0],
        "\"period\",\"key\",\"shipments\",\"planned_p50\",\"planned_p90\",\"planned_p95\",\"actual_p50\",\
                            \"actual_p90\",\"actual_p95\",\"late_percent\",\"as_booked_percent\""
    );
    assert_eq!(transit[1], "\"2026-11-20\",\"DEL-LHR\",1,240,240,240,0,0,0,0,100");
    let funnel = csv(&operator, &format!("{FUNNEL}/export?group=product")).await;
    assert_eq!(funnel[1], "\"2026-11-20\",\"GENERAL\",0,0,0,0,0,0,1,0");
    assert_eq!(text(&booking, "status"), "BOOKED");
}
