//! The statement that ended last on this thread. The database client does not report its outcome: that becomes known before the
//! caller awaits again.
use std::{cell::RefCell, time::SystemTime};

use opentelemetry::trace::Span as _;
use opentelemetry_sdk::trace::Span;

thread_local! {
    static LAST: RefCell<Option<Statement>> = const { RefCell::new(None) };
}

/// A statement that has ended; dropping it exports its span.
pub(super) struct Statement {
    pub span: Span,
    ended: SystemTime,
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.span.end_with_timestamp(self.ended);
    }
}

/// Notes the statement that ended just now; the one before is exported as successful.
pub(super) fn note(span: Span, ended: SystemTime) {
    _ = LAST.try_with(|last| last.replace(Some(Statement { span, ended })));
}

/// Returns the statement that ended last, unless it is exported already.
pub(super) fn taken() -> Option<Statement> {
    LAST.try_with(RefCell::take).ok().flatten()
}

/// Dropping it exports the statement that ended last as successful.
pub(super) struct Settling;

impl Drop for Settling {
    fn drop(&mut self) {
        if LAST.try_with(|last| last.borrow().is_some()).unwrap_or(false) {
            taken();
        }
    }
}
