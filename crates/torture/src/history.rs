//! Requests and answers in the order in which they happened, a JSON document a line.
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
};

use anyhow::{Context, anyhow};
use serde_json::Value;

/// `None` ends the file.
type Entry = Option<Value>;

/// Any thread may add lines; a thread of its own writes them.
#[derive(Clone)]
pub(super) struct History(Sender<Entry>);

pub(super) struct Writer {
    pub path: PathBuf,
    entries: Sender<Entry>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl History {
    pub fn create(path: &Path) -> anyhow::Result<(Self, Writer)> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let (entries, waiting) = channel();
        let thread = std::thread::spawn(move || {
            let mut file = BufWriter::new(file);
            while let Ok(Some(line)) = waiting.recv() {
                writeln!(file, "{line}")?;
            }
            file.flush()
        });
        Ok((Self(entries.clone()), Writer { path: path.to_owned(), entries, thread }))
    }

    pub fn note(&self, line: Value) {
        // The writer has ended when the run is over.
        _ = self.0.send(Some(line));
    }
}

impl Writer {
    /// Writes everything that was noted, and closes the file.
    pub fn finish(self) -> anyhow::Result<()> {
        _ = self.entries.send(None);
        let written = self.thread.join().map_err(|_| anyhow!("the history's writer ended"))?;
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}
