//! A sink that writes down what it is given, as it pleases.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use loadmaster_platform::{
    outbox::{Entry, Readings, Sink, SinkAway, relay},
    timing::Timing,
};
use loadmaster_testkit::{World, freight::text, until};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What a sink does with what it is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Takes,
    Fails,
    /// Takes the first half, then fails.
    TakesHalf,
    /// Takes nothing if it is given more at once.
    TakesAtMost(usize),
    /// Never answers.
    Hangs,
    /// Answers when it feels otherwise.
    Waits,
}

#[derive(Debug, Default)]
struct Notes {
    mood: Mood,
    /// How many messages it was given last while it waited.
    waiting: usize,
    taken: Vec<Entry>,
    /// Each batch that came, taken or not.
    attempts: Vec<Vec<i64>>,
}

/// Several of one letter in one database are one sink.
#[derive(Debug, Clone, Default)]
pub struct Collecting<const LETTER: char>(Arc<Mutex<Notes>>);

impl<const LETTER: char> Collecting<LETTER> {
    pub fn that(mood: Mood) -> Self {
        let this = Self::default();
        this.feels(mood);
        this
    }

    pub fn feels(&self, mood: Mood) {
        let mut notes = self.0.lock().unwrap();
        (notes.mood, notes.waiting) = (mood, 0);
    }

    pub fn taken(&self) -> Vec<Entry> {
        self.0.lock().unwrap().taken.clone()
    }

    /// The documents, as they came.
    pub fn messages(&self) -> Vec<Value> {
        self.taken().into_iter().map(|entry| Arc::unwrap_or_clone(entry.event)).collect()
    }

    pub fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().taken.iter().map(|entry| text(&entry.event, "id").to_owned()).collect()
    }

    /// How many messages have come, repetitions included.
    pub fn came(&self) -> usize {
        self.0.lock().unwrap().taken.len()
    }

    /// How many different messages it has.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().taken.iter().map(|entry| entry.id).collect::<BTreeSet<_>>().len()
    }

    pub fn attempts(&self) -> Vec<Vec<i64>> {
        self.0.lock().unwrap().attempts.clone()
    }

    pub async fn until_it_waits(&self) {
        until("a delivery waits", async || {
            let notes = self.0.lock().unwrap();
            notes.mood == Mood::Waits && notes.waiting > 0
        })
        .await;
    }

    fn waits(&self, given: usize) -> bool {
        let mut notes = self.0.lock().unwrap();
        notes.waiting = given;
        notes.mood == Mood::Waits
    }

    /// Lets a process of this name deliver to it.
    pub fn served_by(&self, world: &World, process: &str) -> Serving {
        let (db, stop) = (world.db.clone(), CancellationToken::new());
        let task = relay(db, Readings::default(), self.clone(), process.to_owned(), Timing::BRIEF, stop.clone());
        Serving { stop, task: tokio::spawn(task) }
    }
}

impl<const LETTER: char> Sink for Collecting<LETTER> {
    const NAME: &'static str = match LETTER {
        'a' => "a",
        'b' => "b",
        _ => "another",
    };

    async fn deliver(&self, entries: &[Entry], _: Option<&str>) -> Result<Option<String>, SinkAway> {
        while self.waits(entries.len()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mood = {
            let mut notes = self.0.lock().unwrap();
            notes.attempts.push(entries.iter().map(|entry| entry.id).collect());
            let takes = match notes.mood {
                Mood::Takes => entries.len(),
                Mood::TakesHalf => entries.len().div_ceil(2),
                Mood::TakesAtMost(most) if entries.len() <= most => entries.len(),
                Mood::Fails | Mood::Hangs | Mood::Waits | Mood::TakesAtMost(_) => 0,
            };
            notes.taken.extend_from_slice(&entries[..takes]);
            notes.mood
        };
        match mood {
            Mood::Takes => Ok(None),
            Mood::TakesAtMost(most) if entries.len() <= most => Ok(None),
            Mood::Hangs => std::future::pending().await,
            Mood::Fails | Mood::TakesHalf | Mood::Waits | Mood::TakesAtMost(_) => {
                Err(SinkAway("not in the mood".to_owned()))
            }
        }
    }
}

/// A relay that runs.
pub struct Serving {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Serving {
    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As if its process had been killed: it gives nothing back.
    pub async fn kill(self) {
        self.task.abort();
        _ = self.task.await;
    }
}
