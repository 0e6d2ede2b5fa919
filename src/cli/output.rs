use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// Prints a result. A closed output is not reported as an error.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints an error and its chain of causes on one line.
pub fn complain(error: &anyhow::Error) {
    _ = writeln!(std::io::stderr(), "loadmaster: {error:#}");
}

/// The parts into which the progress of an operation is divided where there is no terminal, and the least work that is divided.
const PARTS: usize = 10;
const DIVIDED: usize = 20_000;

/// Shows that a longer operation is running: a spinner on a terminal, a line otherwise.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub fn begin(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            _ = writeln!(std::io::stderr(), "loadmaster: {what} …");
            return Self(None);
        }
        Self::on_terminal(what)
    }

    /// Shows a spinner on a terminal, nothing otherwise.
    pub fn on_terminal(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    /// Shows that so much of the work is done: on a terminal always, otherwise about ten times, if there is much.
    pub fn show_steps(&self, what: String, done: usize, before: usize, of: usize) {
        if self.0.is_some() {
            self.show(what);
        } else if of >= DIVIDED && done * PARTS / of > before * PARTS / of {
            _ = writeln!(std::io::stderr(), "loadmaster: {what} …");
        }
    }

    /// Shows the operation's progress.
    pub fn show(&self, what: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Reads a secret from standard input: its first line.
pub fn read_secret() -> anyhow::Result<secrecy::SecretString> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned().into())
}
