//! A season of half a million flights, imported beside bookings: `./test --long large_season`. Memory is asserted; times are
//! printed, and not asserted (goals: three minutes, and bookings whose p99 at most doubles).
use std::{
    fmt::Write,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use loadmaster_testkit::{
    Client, NewFlight, TestDatabase, WorldOptions,
    freight::{order, with},
    is_long,
};
use serde_json::{Value, json};
use tokio::process::Command;

/// Each leaves on 400 days.
const NUMBERS: usize = 1_250;
const FLIGHTS: usize = NUMBERS * 400;
/// Of the whole process, in kilobytes.
const MOST: u64 = 256 * 1024;
/// Between two bookings.
const PACE: Duration = Duration::from_millis(20);
/// For how long bookings are measured with nothing beside them.
const ALONE: Duration = Duration::from_secs(30);

/// Flights of these numbers, daily from 6 January 2031 to 9 February 2032, which another carrier sells, too.
fn season(numbers: usize) -> String {
    let (mut file, mut serial) = (String::new(), 0);
    let mut push = |record: &str| {
        serial += 1;
        writeln!(file, "{record:<194}{serial:06}").unwrap();
    };
    let period = "06JAN3109FEB32";
    push("1AIRLINE STANDARD SCHEDULE DATA SET");
    push(&format!("2UAI{:10}{period}05JAN31", ""));
    for number in 1..=numbers {
        let minute = number % 60;
        let (leaves, lands) = (format!("04{minute:02}"), format!("07{minute:02}"));
        let leg = format!("AI {number:4}0101F");
        push(&format!("3 {leg}{period}1234567 DEL{leaves}{leaves}+0530  BOM{lands}{lands}+0530  77X"));
        push(&format!("4 {leg}{:13} AB010DELBOMUA {number:04}", ""));
    }
    push(&format!("5 AI{:183}{:06}E", "", 2 + 2 * numbers));
    file
}

/// Imports the file, and returns what the command printed, and how many kilobytes it held at most. The command gives way to others.
async fn imported(database: &TestDatabase, file: &std::path::Path) -> (String, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.args(["schedules", "import", "--yes"]).arg(file).env_clear().envs(database.environment());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let child = child.spawn().unwrap();
    let [status, stat] = ["status", "stat"].map(|file| format!("/proc/{}/{file}", child.id().unwrap()));
    let watching = tokio::spawn(async move {
        let (mut most, mut niceness) = (0, None);
        // Ends with the process.
        while let Ok(text) = tokio::fs::read_to_string(&status).await {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let (Some(line), Ok(stat)) = (line, tokio::fs::read_to_string(&stat).await) else { break };
            most = line.trim().trim_end_matches(" kB").parse().unwrap();
            // The 19th field, the 17th behind the name.
            niceness = stat.rsplit(") ").next().unwrap().split(' ').nth(16).map(str::to_owned);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (most, niceness)
    });
    let output = child.wait_with_output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let (most, niceness) = watching.await.unwrap();
    assert_eq!(niceness.as_deref(), Some("5"));
    (printed, most)
}

/// Books until something is done, and returns its outcome and the bookings' p99. Prints how long it and the bookings took.
async fn beside<T>(customer: &Client, order: &Value, what: &str, doing: impl Future<Output = T>) -> (T, Duration) {
    let (is_done, began) = (AtomicBool::new(false), Instant::now());
    let doing = async {
        let outcome = doing.await;
        is_done.store(true, Ordering::Relaxed);
        (outcome, began.elapsed())
    };
    let booking = async {
        let mut waits = Vec::new();
        while waits.is_empty() || !is_done.load(Ordering::Relaxed) {
            let began = Instant::now();
            customer.book(order.clone()).await;
            waits.push(began.elapsed());
            tokio::time::sleep(PACE).await;
        }
        waits
    };
    let ((outcome, took), mut waits) = tokio::join!(doing, booking);
    waits.sort_unstable();
    let (median, slow) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    println!("{what} in {took:?}; {} bookings beside it: median {median:?}, p99 {slow:?}", waits.len());
    (outcome, slow)
}

/// Writes 10 800 flights, which takes seconds. Without the count, statements would be planned for the few flights that were there before.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_database_counts_the_flights_of_an_import_that_adds_many() {
    let world = WorldOptions::patient().start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("season.ssim");
    std::fs::write(&file, season(27)).unwrap();
    imported(&world.database, &file).await;
    let counted =
        "select relname::text, reltuples::int from pg_class where relname in ('flights', 'flight_capacity') order by 1";
    let counted: Vec<(String, i32)> =
        sqlx::query_as(counted).fetch_all(&mut world.database.owner().await).await.unwrap();
    assert_eq!(counted, [("flight_capacity".to_owned(), 27 * 400), ("flights".to_owned(), 27 * 400)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[cfg(target_os = "linux")]
async fn a_large_season_is_imported_and_compared_in_bounded_memory() {
    if !is_long() {
        return;
    }
    let world = WorldOptions::patient().start().await;
    let flight = world.flight(NewFlight::new("BA117", "DEL", "LHR").weight(500_000.0).volume(5_000.0)).await;
    let customer = world.customer().await;
    let order = with(order(&[&flight]), json!({"weight_kg": 1, "volume_m3": 0.001}));
    let ((), alone) = beside(&customer, &order, "nothing", tokio::time::sleep(ALONE)).await;
    let print = |most: u64, slow: Duration| {
        println!(
            "{most} kB; p99 of bookings {:.2} times that of bookings alone",
            slow.as_secs_f64() / alone.as_secs_f64()
        );
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("season.ssim");
    std::fs::write(&file, season(NUMBERS)).unwrap();

    let ((created, most), slow) = beside(&customer, &order, "created", imported(&world.database, &file)).await;
    print(most, slow);
    assert!(created.ends_with(&format!("created: {FLIGHTS}, updated: 0, unchanged: 0\n")), "{created}");
    assert!((1..=MOST).contains(&most), "{most} kB");
    let ((again, most), slow) = beside(&customer, &order, "compared", imported(&world.database, &file)).await;
    print(most, slow);
    assert_eq!(again, format!("new: 0, changed: 0, unchanged: {FLIGHTS}\nNothing to apply.\n"));
    assert!((1..=MOST).contains(&most), "{most} kB");

    let sold = customer.get("/api/v1/flights?flight_number=UA1250&limit=1").await.expect(200);
    assert_eq!((&sold[0]["flight_number"], &sold[0]["also_sold_as"]), (&json!("AI1250"), &json!(["UA1250"])));
    world.audit().await;
}
