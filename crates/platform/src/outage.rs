use std::{borrow::Cow, fmt::Display};

/// The health of a repeated operation. Logs a warning once when it begins to fail, and a message once when it works
/// again; failures in between are logged at a lower level.
#[derive(Debug)]
pub struct OutageLog {
    what: Cow<'static, str>,
    is_reported: bool,
}

impl OutageLog {
    /// `what` is the warning.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), is_reported: false }
    }

    /// Records an outcome, and returns it.
    pub fn note<T, E: Display>(&mut self, outcome: Result<T, E>) -> Result<T, E> {
        match &outcome {
            Ok(_) => self.end(),
            Err(error) => self.lasts(error),
        }
        outcome
    }

    pub fn lasts(&mut self, error: &impl Display) {
        if self.is_reported {
            tracing::debug!(%error, "{}", self.what);
        } else {
            tracing::warn!(%error, "{}", self.what);
        }
        self.is_reported = true;
    }

    pub fn end(&mut self) {
        if std::mem::take(&mut self.is_reported) {
            tracing::info!(outage = %self.what, "recovered");
        }
    }
}
