use super::*;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-20T08:00:00Z").unwrap().to_utc()
}

fn feed() -> Feed {
    Feed {
        id: uuid::Uuid::nil().into(),
        terms: Terms {
            name: "Season".to_owned(),
            kind: FeedKind::Season,
            format: FeedFormat::Ssim,
            url: Some("https://files.example/season".to_owned()),
            folder: None,
            airline_codes: vec!["AI".parse().unwrap()],
            columns: BTreeMap::new(),
            every_minutes: 60,
            apply: FeedApply::Auto,
            cancels_absent: false,
        },
        headers: None,
        header_names: Vec::new(),
        status: FeedStatus::Active,
        failures: 0,
        etag: Some("\"v1\"".to_owned()),
        last_success_at: None,
        due_at: None,
        waiting_run: None,
        changed_by: uuid::Uuid::nil().into(),
        event_sequence: 0,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

#[test]
fn pauses_after_failures_double_from_five_minutes_to_six_hours() {
    let minutes: Vec<i64> = (1..=9).map(|failures| pause_after(failures).num_minutes()).collect();
    assert_eq!(minutes, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
    assert_eq!(pause_after(i32::MAX), TimeDelta::hours(6));
}

#[test]
fn the_fifth_failure_in_a_row_makes_a_feed_failing_once_and_a_success_ends_it() {
    let mut feed = feed();
    let new: Vec<bool> = (0..7).map(|_| feed.failed(None, true, now())).collect();
    assert_eq!(new, [false, false, false, false, true, false, false]);
    assert_eq!((feed.status, feed.failures, feed.etag.clone()), (FeedStatus::Failing, 7, None));
    assert_eq!(feed.due_at, Some(now() + TimeDelta::minutes(320)));
    feed.succeeded(Some("\"v2\"".to_owned()), now());
    assert_eq!((feed.status, feed.failures), (FeedStatus::Active, 0));
    assert_eq!(feed.due_at, Some(now() + TimeDelta::minutes(60)));
}

#[test]
fn a_source_may_ask_for_a_longer_pause_but_for_no_more_than_six_hours() {
    let due = |wish| {
        let mut feed = feed();
        feed.failed(Some(wish), true, now());
        feed.due_at.unwrap() - now()
    };
    assert_eq!(due(TimeDelta::minutes(1)), TimeDelta::minutes(5));
    assert_eq!(due(TimeDelta::minutes(30)), TimeDelta::minutes(30));
    assert_eq!(due(TimeDelta::days(3)), TimeDelta::hours(6));
}

#[test]
fn a_paused_feed_is_due_by_hand_only_and_a_folder_every_half_minute() {
    let mut paused = Feed { status: FeedStatus::Paused, ..feed() };
    assert_eq!(paused.next_run(now(), true), None);
    paused.failed(None, true, now());
    assert_eq!((paused.due_at, paused.status), (None, FeedStatus::Paused));
    let terms = Terms { url: None, folder: Some("ai".to_owned()), ..feed().terms };
    let mut folder = Feed { terms, ..feed() };
    folder.failed(None, true, now());
    assert_eq!(folder.due_at, Some(now() + TimeDelta::seconds(30)));
    folder.failed(None, false, now());
    assert_eq!(folder.due_at, Some(now() + TimeDelta::minutes(10)), "the folder itself cannot be read");
}

#[test]
fn terms_that_contradict_each_other_are_faults() {
    let pointers = |terms: Terms| terms.faults().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
    assert_eq!(pointers(feed().terms), [""; 0]);
    let tariffs = Terms { kind: FeedKind::Tariffs, cancels_absent: true, ..feed().terms };
    assert_eq!(pointers(tariffs), ["/format", "/cancels_absent"]);
    let both = Terms { folder: Some("ai".to_owned()), airline_codes: Vec::new(), ..feed().terms };
    assert_eq!(pointers(both), ["/folder", "/airline_codes"]);
    let rates = Terms { kind: FeedKind::ReferenceRates, format: FeedFormat::Csv, ..feed().terms };
    assert_eq!(pointers(rates), ["/airline_codes"]);
    let columns = BTreeMap::from([("Flt".to_owned(), "flight_number".to_owned())]);
    assert_eq!(pointers(Terms { columns, ..feed().terms }), ["/columns"]);
}
