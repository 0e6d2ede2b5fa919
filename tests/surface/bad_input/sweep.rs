//! Hundreds of odd bodies, the same in every run: whatever is sent, the server does not fail.
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{at_once, order, path_of, raw},
    rounds,
};
use serde_json::{Map, Value, json};

/// `SplitMix64`: numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(most).unwrap()).unwrap()
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "1.5",
    "0.1",
    "0.05",
    "1e400",
    "-1e400",
    "1e-400",
    "9999999.9",
    "10000000",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "1e308",
    "5e-324",
    "123456789012345678901234567890",
    "0.30000000000000004",
    "1E+2",
    "99999",
    "100000",
    "1e99999999999999999999",
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "DEL",
    "lhr",
    "XQX",
    "\u{0}",
    "a\u{0}b",
    "\u{feff}DEL",
    "\u{202e}LED",
    "é",
    "日本",
    "😀",
    "AI101",
    "ai0001",
    "020-12345675",
    "02012345675",
    "2026-11-20",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "-0001-01-01",
    "2026-11-21T08:00:00Z",
    "2026-11-21T08:00:00+23:59",
    "2026-11-21T08:00:00.999999999Z",
    "1e400",
    "NaN",
    "null",
    "'; drop table bookings; --",
    "01890000-0000-7000-8000-000000000000",
    "00000000-0000-0000-0000-000000000000",
    "ann@example.com",
    "PER",
    "CAO",
    "true",
    "../../etc/passwd",
    "%00",
    "%s%n",
    "{{7*7}}",
    "\\u0000",
    "\u{ffff}",
    "\u{10ffff}",
    "A\u{301}",
    "ı",
    "ß",
];

const NAMES: &[&str] = &[
    "origin",
    "destination",
    "pieces",
    "weight_kg",
    "volume_m3",
    "positions",
    "flight_ids",
    "departure_date",
    "description",
    "special_handling_codes",
    "awb_number",
    "shipper",
    "consignee",
    "customer_reference",
    "name",
    "email",
    "password",
    "location",
    "flight_id",
    "flight_number",
    "occurred_at",
    "notes",
    "departure_datetime",
    "arrival_datetime",
    "aircraft_code",
    "capacity",
    "cutoff_minutes",
    "max_stops",
    "limit",
    "country_code",
    "",
    "\u{0}",
    "a/b~c",
    "__proto__",
];

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => raw(dice.one_of(NUMBERS)),
        3 => json!(dice.one_of(TEXTS).repeat(dice.one_of(&[1, 2, 400, 3000]))),
        4 | 5 => json!(dice.one_of(TEXTS)),
        6 => (0..dice.below(12)).map(|_| value(dice, depth - 1)).collect(),
        _ => (0..dice.below(8))
            .map(|_| (dice.one_of(NAMES).to_owned(), value(dice, depth - 1)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// A good body with some of it replaced, dropped or added, or something altogether odd; sometimes its text is damaged.
fn body(dice: &mut Dice, good: &Value) -> Vec<u8> {
    if dice.below(10) == 0 {
        return value(dice, 4).to_string().into_bytes();
    }
    let mut object = good.as_object().expect("an object").clone();
    for _ in 0..=dice.below(3) {
        let known: Vec<_> = object.keys().cloned().collect();
        match (dice.below(5), known.is_empty()) {
            (0, false) => drop(object.remove(&dice.one_of(&known))),
            (1, _) | (_, true) => drop(object.insert(dice.one_of(NAMES).to_owned(), value(dice, 3))),
            _ => drop(object.insert(dice.one_of(&known), value(dice, 3))),
        }
    }
    let mut bytes = Value::Object(object).to_string().into_bytes();
    if dice.below(8) == 0 && !bytes.is_empty() {
        let at = dice.below(bytes.len());
        match dice.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = dice.one_of(&[0, 0xff, b'"', b'{', b'}', b',', b'9', b'\\']),
            _ => bytes.insert(at, dice.one_of(&[0, 0x80, b'"', b'[', b']', b'-', b'e', b' '])),
        }
    }
    bytes
}

async fn send(client: Client, path: String, body: Vec<u8>) {
    let told = String::from_utf8_lossy(&body[..body.len().min(2000)]).into_owned();
    let answer = client.post_raw(&path, "application/json", body).await;
    let status = answer.status.as_u16();
    assert!(status < 500, "{path} with {told}: {}", answer.text);
    if status >= 400 {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path} with {told}");
        let code = answer.body["code"].as_str().expect("a code").to_owned();
        answer.expect_problem(status, &code);
    }
}

#[tokio::test]
async fn odd_bodies_never_make_the_server_fail() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(500_000.0)).await;
    let admin = world.admin().await;
    let booking = admin.book(order(&[&flight])).await;
    let mut booked = order(&[&flight]);
    booked["shipper"] = json!({"name": "Ann", "email": "ann@example.com", "country_code": "IN"});
    booked["special_handling_codes"] = json!(["PER"]);
    booked["departure_date"] = json!("2026-11-21");
    let targets = [
        ("/api/v1/bookings".to_owned(), 700, booked),
        (
            "/api/v1/routes/search".to_owned(),
            500,
            json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 100, "max_stops": 1}),
        ),
        (
            "/api/v1/routes/group-search".to_owned(),
            300,
            json!({"destination": "LHR", "departure_date": "2026-11-21", "parts": [{"origin": "DEL", "weight_kg": 100,
                   "special_handling_codes": ["PER"], "ready_at": "2026-11-20T18:00:00Z"}], "hub": "DXB", "price": true}),
        ),
        (
            "/api/v1/flights".to_owned(),
            300,
            json!({"flight_number": "AI900", "origin": "DEL", "destination": "LHR", "departure_datetime": "2026-11-22T08:00:00Z",
                   "arrival_datetime": "2026-11-22T17:00:00Z", "aircraft_code": "77X", "capacity": {"weight_kg": 1000}}),
        ),
        ("/api/v1/auth/register".to_owned(), 200, json!({"email": "bad", "password": "short", "name": "Ann"})),
        (
            format!("{}/depart", path_of(&booking)),
            400,
            json!({"location": "DEL", "flight_id": flight["id"], "flight_number": "AI101", "occurred_at": "2026-11-20T08:00:00Z", "notes": "on time"}),
        ),
    ];
    let mut dice = Dice(20_261_120);
    for (path, count, good) in targets {
        let bodies: Vec<_> = (0..rounds(count / 4, count)).map(|_| body(&mut dice, &good)).collect();
        for batch in bodies.chunks(8) {
            at_once(batch.iter().map(|body| send(admin.clone(), path.clone(), body.clone()))).await;
        }
    }
    world.audit().await;
}
