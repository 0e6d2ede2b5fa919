//! A season's timetable, shown and applied. The command knows the real time: its flights leave in 2031. Most tests run it
//! several times, and each run opens all rooms: that takes seconds.
use async_compression::Level;
use loadmaster_platform::web::{Coding, encode};
use loadmaster_testkit::{
    NewFlight, World,
    amending::{shown, timeline},
    command::{Done, Loadmaster, loadmaster},
    flight_verbs::{done, flight_now},
    freight::{each, order},
};
use serde_json::{Value, json};

const HEADER: &str = "flight_number,origin,destination,departure_time,arrival_time,arrival_day_offset,days_of_operation,from,to,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes";
/// Six flights. 6 January 2031 is a Monday.
const LINE: &str = "AI101,DEL,LHR,10:00,14:30,0,1.3.5..,2031-01-06,2031-01-17,77X,,,,";
const TERMS: &str = "77X, 102000 kg, 653 m³, 37 positions, cut-off 60 min";

fn command(arguments: &[&str], rows: &[&str], world: &World) -> Loadmaster {
    let all = [&["schedules", "import", "season.csv"], arguments].concat();
    loadmaster(&all).file("season.csv", format!("{HEADER}\n{}\n", rows.join("\n"))).on(&world.database)
}

async fn import(arguments: &[&str], rows: &[&str], world: &World) -> Done {
    command(arguments, rows, world).run().await
}

/// Applies without asking.
async fn apply(rows: &[&str], world: &World) -> String {
    import(&["--yes"], rows, world).await.succeeded()
}

async fn schedule(world: &World) -> Value {
    world.anonymous().get("/api/v1/flights?limit=100").await.expect(200)
}

async fn departures(world: &World) -> Value {
    json!(each(&schedule(world).await, "departure_datetime"))
}

/// A season of one flight on Monday in the form of SSIM, with these days of operation.
fn ssim(days: &str) -> String {
    let record = |text: &str, end: &str| format!("{text:<width$}{end}", width = 200 - end.len());
    let leg = format!("3 AI 90070101F06JAN3106JAN31{days} DEL10001000+0530  BOM12101210+0530  77X");
    let records = [
        record("1AIRLINE STANDARD SCHEDULE DATA SET", "001000001"),
        record("2LAI      W30 06JAN3112JAN3105JAN31", "000002"),
        "0".repeat(200),
        record(&leg, "000003"),
        record("5 AI", "000003E000004"),
    ];
    records.join("\n")
}

#[tokio::test]
async fn a_season_may_be_a_file_of_ssim() {
    let world = World::start().await;
    let import = async |days: &str| {
        let command = loadmaster(&["schedules", "import", "season.ssim", "--yes"]);
        command.file("season.ssim", ssim(days)).on(&world.database).run().await
    };
    let faulty = import("12345 8").await;
    let fault = "`days_of_operation` in row 4 must be days in order";
    assert!(faulty.stdout.starts_with(fault) && faulty.stdout.ends_with("in columns 29 to 35.\n"), "{}", faulty.stdout);
    assert!(faulty.complained().contains("nothing was imported; the file has 1 faults"));
    assert_eq!(departures(&world).await, json!([]));
    let created = import("1234567").await.succeeded();
    assert!(created.ends_with("created: 1, updated: 0, unchanged: 0\n"), "{created}");
    assert_eq!(departures(&world).await, json!(["2031-01-06T04:30:00Z"]));
    let again = import("1......").await.succeeded();
    assert!(again.ends_with("Nothing to apply.\n"), "{again}");
}

#[tokio::test]
async fn a_season_in_gzip_is_read_and_a_cut_one_changes_nothing() {
    let world = World::start().await;
    let packed = encode(ssim("1234567").into(), Coding::Gzip, Level::Default).await;
    let import = async |file: &[u8]| {
        let command = loadmaster(&["schedules", "import", "season.ssim.gz", "--yes"]);
        command.file("season.ssim.gz", file).on(&world.database).run().await
    };
    let complaint = import(&packed[..packed.len() - 4]).await.complained();
    assert!(complaint.contains("its gzip is damaged or not complete"), "{complaint}");
    assert_eq!(departures(&world).await, json!([]));
    let created = import(&packed).await.succeeded();
    assert!(created.ends_with("created: 1, updated: 0, unchanged: 0\n"), "{created}");
}

#[tokio::test]
async fn the_settings_say_which_services_are_flights() {
    let world = World::start().await;
    let command = loadmaster(&["schedules", "import", "season.ssim", "--yes"]).file("season.ssim", ssim("1234567"));
    let none = command.env("LOADMASTER_SSIM__SERVICE_TYPES", "J,C").on(&world.database).run().await.succeeded();
    assert!(none.ends_with("Nothing to apply.\n"), "{none}");
    assert_eq!(departures(&world).await, json!([]));
}

#[tokio::test]
async fn an_exported_season_is_imported_without_a_difference() {
    // London goes to summer time on 30 March 2031, and skips 01:30.
    let world = World::start().await;
    let rows = [
        "AI101,LHR,DEL,01:30,15:00,0,1234567,2031-03-26,2031-04-03,77X,,,,",
        "AI101,DEL,BOM,18:00,20:10,0,1234567,2031-03-26,2031-04-03,77X,,,,",
        "AI102,DEL,LHR,10:00,14:30,0,1.3.5..,2031-03-24,2031-04-04,,1234.5,7,3,90",
    ];
    apply(&rows, &world).await;
    for mode in ["UTC", "LOCAL"] {
        let path = format!("/api/v1/schedules/export?airline=AI&from=2031-03-01&to=2031-04-30&time_mode={mode}");
        let exported = world.anonymous().get(&path).await;
        assert_eq!(exported.status, 200, "{}", exported.text);
        let command = loadmaster(&["schedules", "import", "season.ssim", "--yes"]);
        let shown = command.file("season.ssim", &exported.text).on(&world.database).run().await.succeeded();
        assert_eq!(shown, "new: 0, changed: 0, unchanged: 24\nNothing to apply.\n", "{mode}: {}", exported.text);
    }
}

#[tokio::test]
async fn the_numbers_of_others_are_shown_and_go_out_and_in_again() {
    let world = World::start().await;
    let import = async |file: &str| {
        let command = loadmaster(&["schedules", "import", "season.ssim", "--yes"]);
        command.file("season.ssim", file).on(&world.database).run().await.succeeded()
    };
    let plain = ssim("1......");
    let created = import(&plain).await;
    assert!(created.ends_with("created: 1, updated: 0, unchanged: 0\n"), "{created}");
    // Another record behind the leg, and its number in all that follow.
    let data = format!("{:<194}000004", "4 AI 90070101F              AB010DELBOMUA 9012/SQ 0401");
    let (before, end) = plain.rsplit_once('\n').unwrap();
    let sold = format!("{before}\n{data}\n{}", end.replace("000003E000004", "000004E000005"));
    let changed = import(&sold).await;
    let line = "AI9007  DEL-BOM     1 changed, 2031-01-06: also sold as no other number → SQ401, UA9012\n";
    assert!(changed.starts_with(line), "{changed}");
    assert_eq!(schedule(&world).await[0]["also_sold_as"], json!(["SQ401", "UA9012"]));
    for mode in ["UTC", "LOCAL"] {
        let path = format!("/api/v1/schedules/export?airline=AI&from=2031-01-01&to=2031-01-31&time_mode={mode}");
        let exported = world.anonymous().get(&path).await.text;
        assert!(exported.contains(" AB010DELBOMSQ 0401/UA 9012 "), "{exported}");
        assert_eq!(import(&exported).await, "new: 0, changed: 0, unchanged: 1\nNothing to apply.\n", "{exported}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_season_is_shown_then_applied_and_then_unchanged() {
    let world = World::start().await;
    let new = format!(
        "AI101   DEL-LHR     6 new, 2031-01-06 to 2031-01-17, days 1.3.5..: 10:00-14:30, {TERMS}\n\
         new: 6, changed: 0, unchanged: 0\n"
    );
    let before = world.written().await;
    assert_eq!(import(&["--dry-run"], &[LINE], &world).await.succeeded(), new);
    let unasked = import(&[], &[LINE], &world).await;
    assert_eq!(unasked.stdout, new);
    let complaint = unasked.complained();
    assert!(complaint.contains("nothing was changed") && complaint.contains("--yes"), "{complaint}");
    assert_eq!(world.written().await, before);

    assert_eq!(apply(&[LINE], &world).await, format!("{new}created: 6, updated: 0, unchanged: 0\n"));
    let days = ["06", "08", "10", "13", "15", "17"];
    assert_eq!(departures(&world).await, json!(days.map(|day| format!("2031-01-{day}T04:30:00Z"))));
    let flights = schedule(&world).await;
    assert_eq!(
        (&flights[0]["aircraft_code"], &flights[0]["departure_local"]),
        (&json!("77X"), &json!("2031-01-06T10:00:00+05:30"))
    );
    let acts = world.admin().await.get("/api/v1/admin/audit").await.expect(200);
    assert_eq!((&acts[0]["act"], acts.as_array().unwrap().len()), (&json!("flights.imported"), 1), "{acts}");

    let before = world.written().await;
    for arguments in [&["--yes"][..], &["--dry-run"], &[]] {
        let again = import(arguments, &[LINE], &world).await.succeeded();
        assert_eq!(again, "new: 0, changed: 0, unchanged: 6\nNothing to apply.\n");
    }
    assert_eq!(world.written().await, before);
    world.audit().await;
}

#[tokio::test]
async fn a_season_keeps_its_local_times_when_the_clocks_change() {
    // London goes to summer time on 30 March 2031.
    let world = World::start().await;
    let shown = apply(&["AI112,LHR,DEL,21:00,11:10,1,1234567,2031-03-29,2031-03-31,77X,,,,"], &world).await;
    let line = format!("AI112   LHR-DEL     3 new, 2031-03-29, 2031-03-30, 2031-03-31: 21:00-11:10+1, {TERMS}\n");
    assert!(shown.starts_with(&line), "{shown}");
    let expected = ["2031-03-29T21:00:00Z", "2031-03-30T20:00:00Z", "2031-03-31T20:00:00Z"];
    assert_eq!(departures(&world).await, json!(expected));
    let arrivals = json!(each(&schedule(&world).await, "arrival_local"));
    let expected = ["30", "31"].map(|day| format!("2031-03-{day}T11:10:00+05:30"));
    assert_eq!(arrivals, json!([&expected[0], &expected[1], "2031-04-01T11:10:00+05:30"]));
}

#[tokio::test]
async fn booked_flights_are_retimed_with_their_bookings() {
    let world = World::start().await;
    apply(&[LINE], &world).await;
    let first = schedule(&world).await[0].clone();
    let customer = world.customer().await;
    let booking = customer.book(order(&[&first])).await;

    // The second week keeps its times.
    let changed =
        ["AI101,DEL,LHR,11:00,15:45,0,1.3.5..,2031-01-06,2031-01-10,77X,,,,90", &LINE.replace("01-06", "01-13")];
    let shown_text = apply(&changed, &world).await;
    let expected = "AI101   DEL-LHR     3 changed, 2031-01-06, 2031-01-08, 2031-01-10: \
                    departure 10:00 → 11:00; arrival 14:30 → 15:45; cut-off 60 min → 90 min\n\
                    new: 0, changed: 3, unchanged: 3\ncreated: 0, updated: 3, unchanged: 3\n";
    assert_eq!(shown_text, expected);
    let moved = shown(&customer, &booking).await;
    assert_eq!(moved["legs"][0]["departure_datetime"], "2031-01-06T05:30:00Z");
    assert_eq!(moved["legs"][0]["arrival_datetime"], "2031-01-06T15:45:00Z");
    assert_eq!(timeline(&customer, &booking).await.pop().unwrap()["event_type"], "FLIGHT_RETIMED");
    assert_eq!(flight_now(&customer, &first).await["cutoff_datetime"], "2031-01-06T04:00:00Z");
    world.audit().await;
}

#[tokio::test]
async fn what_a_flight_refuses_stops_all_but_what_has_departed_stays() {
    let world = World::start().await;
    apply(&[LINE], &world).await;
    let [first, second] = [0, 1].map(async |at| schedule(&world).await[at].clone());
    let (first, second) = (first.await, second.await);
    world.customer().await.book(order(&[&first])).await;
    done(&world.operator().await, &second, "depart").await;

    let before = world.written().await;
    let rows =
        [&LINE.replace("77X,,,,", "77X,99,653,37,"), "AI103,DEL,LHR,10:00,14:30,,1,2031-01-06,2031-01-06,77X,,,,"];
    for arguments in [&["--yes"][..], &["--dry-run"]] {
        let refused = import(arguments, &rows, &world).await;
        let lines: Vec<&str> = refused.stdout.lines().collect();
        let small = "1 refused, 2031-01-06: `weight_kg` in row 1 must not be less than what is booked and held.";
        assert!(lines[0].contains(small) && !lines[1].contains("refused"), "{}", refused.stdout);
        let totals = "new: 1, changed: 4, unchanged: 0, refused: 1, departed (they stay as they are): 1\n";
        assert!(refused.stdout.ends_with(totals), "{}", refused.stdout);
        assert!(refused.complained().contains("nothing was changed"));
    }
    assert_eq!(world.written().await, before);

    let rows = [&LINE.replace("77X,,,,", "77X,,,,90")];
    let applied = apply(&rows.map(String::as_str), &world).await;
    assert!(
        applied.ends_with("departed (they stay as they are): 1\ncreated: 0, updated: 5, unchanged: 0\n"),
        "{applied}"
    );
    assert_eq!(flight_now(&world.anonymous(), &second).await["cutoff_datetime"], "2031-01-08T03:30:00Z");
    let again = apply(&rows.map(String::as_str), &world).await;
    assert!(again.ends_with("Nothing to apply.\n"), "{again}");
    world.audit().await;
}

#[tokio::test]
async fn a_faulty_row_is_reported_and_leaves_nothing() {
    let world = World::start().await;
    let before = world.written().await;
    let faulty =
        import(&["--yes"], &[LINE, "AI102,LHR,QQQ,10:00,24:30,0,1,2031-01-06,2031-01-17,77X,,,,"], &world).await;
    let expected = ["`destination` in row 2 names an unknown airport", "`arrival_time` in row 2 must be a local time"];
    for fault in expected {
        assert!(faulty.stdout.contains(fault), "{}", faulty.stdout);
    }
    let complaint = faulty.complained();
    assert!(complaint.contains("nothing was imported; the file has 2 faults"), "{complaint}");
    let twice = import(&["--yes"], &[LINE, &LINE.replace("10:00", "11:00")], &world).await;
    let told = "`flight_number` in row 2 gives the same flight as row 1, on 2031-01-06.\n";
    assert_eq!((twice.code, twice.stdout.as_str()), (1, told));
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn flights_that_the_file_does_not_give_stay_as_they_are() {
    let world = World::start().await;
    apply(&[LINE, "AI103,DEL,LHR,10:00,14:30,,1,2031-01-06,2031-01-06,77X,,,,"], &world).await;
    let admin = world.admin().await;
    let cancelled = schedule(&world).await[2].clone();
    assert_eq!(cancelled["departure_datetime"], "2031-01-08T04:30:00Z", "the second AI101");
    done(&admin, &cancelled, "cancel").await;

    // Mondays and Wednesdays only, of the first week; the past is over.
    let rows = [
        &LINE.replace("1.3.5..", "1.3....").replace("01-17", "01-12"),
        "AI101,DEL,LHR,10:00,14:30,,1,2020-01-06,2020-02-03,77X,,,,",
    ];
    let expected = format!(
        "AI101   DEL-LHR     1 new, cancelled before, 2031-01-08: 10:00-14:30, {TERMS}\n\
         AI101   DEL-LHR     1 not in the file, 2031-01-10: 10:00-14:30, {TERMS}\n\
         new: 1, changed: 0, unchanged: 1, not in the file (they stay as they are): 1, before today (left out): 5\n"
    );
    assert_eq!(import(&["--dry-run"], &rows, &world).await.succeeded(), expected);
    let limited = import(&["--dry-run", "--limit", "1"], &rows, &world).await.succeeded();
    assert!(limited.contains("\n… and 1 more lines; --limit 2 shows them\nnew: 1"), "{limited}");
    assert!(apply(&rows, &world).await.ends_with("created: 1, updated: 0, unchanged: 1\n"));
    let flights = schedule(&world).await;
    let statuses = each(&flights, "status");
    assert_eq!(statuses.len(), 8);
    assert_eq!(statuses.iter().filter(|status| **status == "CANCELLED").count(), 1);
    world.audit().await;
}

#[tokio::test]
async fn at_a_terminal_the_answer_decides() {
    let world = World::start().await;
    for answer in ["", "n", "no"] {
        let refused = command(&[], &[LINE], &world).answering(async || {}, answer).await;
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(refused.stderr.ends_with("nothing was changed\n"), "{}", refused.stderr);
        assert_eq!(schedule(&world).await, json!([]));
    }
    let applied = command(&[], &[LINE], &world).answering(async || {}, "y").await.succeeded();
    assert!(applied.ends_with("created: 6, updated: 0, unchanged: 0\n"), "{applied}");
    assert_eq!(schedule(&world).await.as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_schedule_that_changes_before_the_answer_is_left_alone() {
    let world = World::start().await;
    let made = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2031-01-06T05:30:00Z")).await;
    let admin = world.admin().await;
    let path = format!("/api/v1/flights/{}", made["id"].as_str().unwrap());
    // Given a season that was shown, when a flight of it is changed by somebody else, or becomes one,
    let change = async || drop(admin.patch(&path, json!({"cutoff_minutes": 30})).await.expect(200));
    let create =
        async || drop(world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2031-01-08T04:30:00Z")).await);
    let mut outcomes = vec![command(&[], &[LINE], &world).answering(change, "y").await];
    outcomes.push(command(&[], &[LINE], &world).answering(create, "y").await);
    // then nothing of it is applied.
    for outcome in outcomes {
        assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
        assert!(
            outcome.stderr.contains("the schedule, or the day, has changed since it was compared"),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(departures(&world).await, json!(["2031-01-06T05:30:00Z", "2031-01-08T04:30:00Z"]));
    assert!(apply(&[LINE], &world).await.contains("new: 4, changed: 2, unchanged: 0"));
    world.audit().await;
}

#[tokio::test]
async fn the_documented_example_has_no_fault() {
    let world = World::start().await;
    let example = include_str!("../../../docs/examples/season.csv");
    assert_eq!(example.lines().next(), Some(HEADER));
    let run = loadmaster(&["schedules", "import", "season.csv", "--dry-run"]).file("season.csv", example);
    run.on(&world.database).run().await.succeeded();
}
