//! The schedule of an airline as a season file (SSIM).
use loadmaster_testkit::{Answer, Client, NewFlight, World, flight_verbs::done};
use reqwest::Method;
use serde_json::json;

const SEASON: &str = "/api/v1/schedules/export?airline=AI&from=2026-11-01&to=2026-12-31";

/// The records of a file without their serial numbers and the blanks before these.
async fn records(client: &Client, path: &str) -> Vec<String> {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines = answer.text.split_terminator("\r\n");
    let records = (1..).zip(lines).map(|(serial, line): (usize, &str)| {
        assert_eq!((line.len(), &line[194..]), (200, format!("{serial:06}").as_str()), "{line}");
        line[..194].trim_end().to_owned()
    });
    records.collect()
}

#[tokio::test]
async fn an_airlines_schedule_goes_out_in_utc_or_local_time() {
    let world = World::start().await;
    for departure in ["2026-11-25T04:30:00Z", "2026-11-26T04:30:00Z"] {
        world.flight(NewFlight::new("AI101", "DEL", "LHR").departs(departure)).await;
    }
    // Of another airline, and behind the period.
    world.flight(NewFlight::new("BA117", "DEL", "LHR").departs("2026-11-25T04:30:00Z")).await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-12-31T20:00:00Z")).await;
    let cancelled = world.flight(NewFlight::new("AI103", "DEL", "LHR").departs("2026-11-25T05:00:00Z")).await;
    done(&world.admin().await, &cancelled, "cancel").await;

    let stranger = world.anonymous();
    let leg = |times: &str| format!("3 AI  1010101J25NOV2626NOV26  34    DEL{times}{}", " ".repeat(122));
    let leg = |times: &str| leg(times) + "00";
    let own = format!("4 AI  1010101J{} AB900DELLHRLOADMASTER 1000.0 KG 1000.000 M3 10 POS 60 MIN", " ".repeat(13));
    let in_utc = records(&stranger, SEASON).await;
    assert_eq!(in_utc[2..4], [leg("04300430+0530  LHR08300830+0000"), own.clone()]);
    let in_local = records(&stranger, &format!("{SEASON}&time_mode=local")).await;
    assert_eq!(in_local[2..4], [leg("10001000+0530  LHR08300830+0000"), own]);
    for (file, mode) in [(&in_utc, "2UAI"), (&in_local, "2LAI")] {
        assert!(file[0].starts_with("1AIRLINE STANDARD SCHEDULE DATA SET") && file[1].starts_with(mode), "{file:#?}");
        assert!(file[4].starts_with("5 AI") && file[4].ends_with("000004E") && file.len() == 5, "{file:#?}");
    }
    let none = records(&stranger, &SEASON.replace("=AI", "=LH")).await;
    assert_eq!(none.len(), 3, "a file without a leg: {none:#?}");
}

#[tokio::test]
async fn a_flight_keeps_the_local_date_that_names_it() {
    let world = World::start().await;
    let admin = world.admin().await;
    let delays = [("AI201", "2026-11-25T05:00:00Z"), ("AI203", "2026-11-25T20:00:00Z")];
    for (number, later) in delays {
        let flight = world.flight(NewFlight::new(number, "DEL", "LHR").departs("2026-11-25T04:30:00Z")).await;
        let path = format!("/api/v1/flights/{}", flight["id"].as_str().unwrap());
        let arrival = later.replace("2026-11-25T", "2026-11-26T");
        admin.patch(&path, json!({"departure_datetime": later, "arrival_datetime": arrival})).await.expect(200);
    }
    let gone = world.flight(NewFlight::new("AI205", "DEL", "LHR").leaves_in_minutes(90)).await;
    done(&admin, &gone, "depart").await;
    let file = records(&world.anonymous(), SEASON).await;
    let legs: Vec<&str> = file.iter().filter(|record| record.starts_with('3')).map(|leg| &leg[5..65]).collect();
    let day = |number: &str, date: &str, days: &str, from: &str, to: &str| {
        format!(" {number}0101J{date}{date}{days} DEL{from}{from}+0530  LHR{to}{to}")
    };
    let expected = [
        day("201", "25NOV26", "  3    ", "0500", "0500"),
        // It would leave on the 26th in Delhi: its scheduled times.
        day("203", "25NOV26", "  3    ", "0430", "0830"),
        day("205", "20NOV26", "    5  ", "0930", "1330"),
    ];
    assert_eq!(legs, expected);
}

#[tokio::test]
async fn a_season_has_a_name_and_a_tag_and_is_compressed() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let stranger = world.anonymous();
    let first = stranger.get(SEASON).await;
    assert_eq!(first.header("content-type"), Some("text/plain; charset=utf-8"));
    let name = "attachment; filename=\"AI-2026-11-01-2026-12-31.ssim\"";
    assert_eq!(first.header("content-disposition"), Some(name));
    let tag = first.header("etag").unwrap().to_owned();
    let known = Answer::of(stranger.request(Method::GET, SEASON).header("if-none-match", &tag)).await;
    assert_eq!((known.status.as_u16(), known.text.as_str(), known.header("etag")), (304, "", Some(tag.as_str())));
    let coded = stranger.request(Method::GET, SEASON).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(coded.headers()["content-encoding"], "gzip");
    world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    assert_ne!(stranger.get(SEASON).await.header("etag"), Some(tag.as_str()));
}

#[tokio::test]
async fn each_parameter_of_a_season_is_judged() {
    let world = World::start().await;
    let faults =
        async |query: &str| world.anonymous().get(&format!("/api/v1/schedules/export?{query}")).await.expect_faults();
    let required = ["airline", "from", "to"].map(|name| (name.to_owned(), "required".to_owned()));
    assert_eq!(faults("").await, required);
    for (query, name, code) in [
        ("airline=QQ&from=2026-11-01&to=2026-11-30", "airline", "unknown_value"),
        ("airline=AI&from=2026-11-31&to=2026-12-31", "from", "invalid_format"),
        ("airline=AI&from=2026-11-02&to=2026-11-01", "to", "out_of_order"),
        ("airline=AI&from=2026-11-01&to=2027-12-06", "to", "too_large"),
        ("airline=AI&from=2026-11-01&to=2026-11-30&time_mode=GMT", "time_mode", "unknown_value"),
        ("airline=AI&from=2026-11-01&to=2026-11-30&format=csv", "format", "unknown_field"),
    ] {
        assert_eq!(faults(query).await, [(name.to_owned(), code.to_owned())], "{query}");
    }
    world.anonymous().get("/api/v1/schedules/export?airline=AI&from=2026-11-01&to=2027-12-05").await.expect(200);
}
