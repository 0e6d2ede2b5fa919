//! The readers of bytes from outside with odd bytes: the committed inputs, the inputs that once ended the process, and
//! some mutations of both, the same in every run. Each runs on a stack as large as a worker thread's.
//!
//! `scripts/fuzz.sh` runs the same checks guided by coverage, for as long as it is told. What it finds is added to
//! `tests/fuzz/corpus`.
#![allow(clippy::print_stderr, reason = "a run reports its seed")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#[path = "../fuzz/src/readers/mod.rs"]
mod readers;

use std::{
    env, fs, panic, thread,
    time::{Duration, Instant},
};

type Check = fn(&[u8]);

const READERS: [(&str, Check); 7] = [
    ("body", readers::body::check),
    ("csv", readers::csv::check),
    ("cursor", readers::cursor::check),
    ("headers", readers::headers::check),
    ("ssim", readers::ssim::check),
    ("token", readers::token::check),
    ("workbook", readers::workbook::check),
];

/// The stack of tokio's worker threads.
const STACK: usize = 2 * 1024 * 1024;
/// Far longer than any of these inputs takes in a build without optimisation, on a busy machine as well.
const PATIENCE: Duration = Duration::from_mins(4);

/// The committed inputs of a reader with their names, sorted.
fn corpus(reader: &str) -> Vec<(String, Vec<u8>)> {
    let directory = format!("{}/tests/fuzz/corpus/{reader}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path());
    let mut inputs: Vec<_> = files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{directory} has inputs");
    inputs
}

/// Checks all inputs; a panic or a slow input fails the test, a stack that overflows ends it.
fn check_all(
    reader: &'static str,
    check: Check,
    inputs: impl Iterator<Item = (String, Vec<u8>)> + Send + 'static,
) -> u64 {
    let worker = thread::Builder::new().stack_size(STACK).spawn(move || {
        let mut count = 0;
        for (name, input) in inputs {
            let began = Instant::now();
            if panic::catch_unwind(|| check(&input)).is_err() {
                let file = format!("{}/{reader}-finding", env!("CARGO_TARGET_TMPDIR"));
                fs::write(&file, &input).unwrap();
                panic!("{reader}: {name} breaks a property; the input is kept in {file}");
            }
            let took = began.elapsed();
            assert!(took < PATIENCE, "{reader}: {name} takes {took:?}");
            count += 1;
        }
        count
    });
    worker.unwrap().join().unwrap()
}

/// JSON text in a string in JSON text, `strings` times, which `serde_json::Value` parses within each other.
fn bomb(name: &str, strings: usize) -> String {
    let (open, close) = ("[".repeat(125), "]".repeat(125));
    (0..strings).fold("0".to_owned(), |text, _| {
        let text = text.replace('\\', "\\u005c").replace('"', "\\u0022");
        format!("{open}{{\"{name}\":\"{text}\"}}{close}")
    })
}

#[test]
fn the_committed_inputs_are_read() {
    for (reader, check) in READERS {
        check_all(reader, check, corpus(reader).into_iter());
    }
}

#[test]
fn what_once_ended_the_process_is_read() {
    let names = ["$serde_json::private::RawValue", "\\u0024serde_json::private::RawValue"];
    let bombs = names.map(|name| bomb(name, 250));
    let bodies = bombs.clone().map(|bomb| (format!("a bomb of {} bytes", bomb.len()), bomb.into_bytes()));
    check_all("body", readers::body::check, bodies.into_iter());
    let tokens = bombs.map(|bomb| {
        let claims = format!("{{\"x\":{bomb}}}");
        let header = format!("{{\"alg\":\"HS256\",\"kid\":\"k\",\"x\":{bomb}}}");
        ("a token of bombs".to_owned(), format!("\n{header}\n{claims}").into_bytes())
    });
    check_all("token", readers::token::check, tokens.into_iter());
}

/// A good token and a good cursor cannot be committed: their readers would have to be told when how they are made changes.
fn seeds(reader: &str) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = corpus(reader).into_iter().map(|(_, input)| input).collect();
    match reader {
        "cursor" => seeds.extend(["limit=2", "status=a&limit=1"].map(|query| readers::cursor::next_page(query).into())),
        "token" => seeds.push(format!("Bearer {}", readers::token::good()).into()),
        _ => {}
    }
    seeds
}

/// `SplitMix64`: numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// Bytes that mean something to one of the readers.
const TOKENS: [&[u8]; 28] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\\u0024",
    b"\\ud83d",
    b"1e400",
    b"-",
    b".",
    b"%00",
    b"%C3",
    b"&cursor=",
    b"W/\"",
    b"for=",
    b"$serde_json::private::RawValue",
    b"\xef\xbb\xbf",
    b"<c r=\"ZZZ1\" t=\"s\"><v>1</v></c>",
    b" uniqueCount=\"17592186044416\"",
    b"</row><row>",
    b"\n----\n",
];

/// One of the seeds with some of it changed, dropped, repeated or replaced by a part of another.
fn mutate(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(input.len() + 1);
        let end = (at + dice.below(16)).min(input.len());
        match dice.below(6) {
            0 if at < input.len() => input[at] = u8::try_from(dice.below(256)).unwrap(),
            1 => drop(input.drain(at..end)),
            2 => drop(input.splice(at..at, TOKENS[dice.below(TOKENS.len())].iter().copied())),
            3 => {
                let part = input[at..end].repeat(1 + dice.below(40));
                drop(input.splice(at..at, part));
            }
            4 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(end.max(1)),
        }
    }
    input
}

/// With `./test --long` for 20 s each, which `LOADMASTER_FUZZ_SECONDS` changes; `LOADMASTER_FUZZ_SEED` chooses others.
#[test]
fn mutated_inputs_are_read() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let is_long = env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty());
    let seconds = number("LOADMASTER_FUZZ_SECONDS").unwrap_or(if is_long { 20 } else { 0 });
    let seed = number("LOADMASTER_FUZZ_SEED").unwrap_or(20_261_120);
    for (reader, check) in READERS {
        let (seeds, mut dice) = (seeds(reader), Dice(seed));
        let until = Instant::now() + Duration::from_secs(seconds);
        let inputs = (0_u64..).map_while(move |number| {
            let goes_on = number < 300 || Instant::now() < until;
            goes_on.then(|| (format!("mutation {number} of seed {seed}"), mutate(&mut dice, &seeds)))
        });
        let count = check_all(reader, check, inputs);
        eprintln!("{reader}: {count} mutations of seed {seed}");
    }
}
