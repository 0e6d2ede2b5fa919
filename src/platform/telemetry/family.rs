#![allow(clippy::disallowed_macros, reason = "this is where the catalogue's names meet them")]
use std::time::Instant;

use metrics::SharedString;

/// All series of one name.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// What it tells; `/metrics` and `docs/operating.md` say the same.
    pub help: &'static str,
    pub labels: &'static [Label],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What tells the series of one name apart.
#[derive(Debug)]
pub struct Label {
    pub name: &'static str,
    pub values: Values,
}

/// What a label may say. However it is bounded, nobody outside can make it grow.
#[derive(Debug)]
pub enum Values {
    /// Each of these and no other.
    Closed(&'static [&'static str]),
    /// The same, too many to list: where they are listed.
    Listed(&'static [&'static str], &'static str),
    /// A few that only the place knows where they are made; which.
    Few(&'static str),
}

impl Values {
    /// All that there are, if that is known.
    pub const fn all(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::Closed(all) | Self::Listed(all, _) => Some(all),
            Self::Few(_) => None,
        }
    }
}

/// Counts what happens.
#[derive(Debug)]
pub struct Counter<const LABELS: usize> {
    pub(super) family: Family,
}

/// Shows how much there is.
#[derive(Debug)]
pub struct Gauge<const LABELS: usize> {
    pub(super) family: Family,
}

/// Counts how long things take, by the length.
#[derive(Debug)]
pub struct Histogram<const LABELS: usize> {
    pub(super) family: Family,
}

impl<const LABELS: usize> Counter<LABELS> {
    /// The series with these labels' values, in the order of the catalogue.
    pub fn with<V: Into<SharedString>>(&self, values: [V; LABELS]) -> metrics::Counter {
        metrics::counter!(self.family.name, self.family.labelled(values))
    }
}

impl Counter<0> {
    pub fn increment(&self, by: u64) {
        metrics::counter!(self.family.name).increment(by);
    }

    /// For what was counted elsewhere.
    pub fn absolute(&self, count: u64) {
        metrics::counter!(self.family.name).absolute(count);
    }
}

impl<const LABELS: usize> Gauge<LABELS> {
    /// The series with these labels' values, in the order of the catalogue.
    pub fn with<V: Into<SharedString>>(&self, values: [V; LABELS]) -> metrics::Gauge {
        metrics::gauge!(self.family.name, self.family.labelled(values))
    }
}

impl Gauge<0> {
    pub fn set(&self, value: impl metrics::IntoF64) {
        self.series().set(value);
    }

    /// One more, for as long as what it gives is kept.
    pub fn one_more(&self) -> OneMore {
        let gauge = self.series();
        gauge.increment(1.0);
        OneMore(gauge)
    }

    fn series(&self) -> metrics::Gauge {
        metrics::gauge!(self.family.name)
    }
}

/// Dropped, it is one less: however what it stands for has ended.
#[must_use = "it counts while it is kept"]
pub struct OneMore(metrics::Gauge);

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl<const LABELS: usize> Histogram<LABELS> {
    /// The series with these labels' values, in the order of the catalogue.
    pub fn with<V: Into<SharedString>>(&self, values: [V; LABELS]) -> metrics::Histogram {
        metrics::histogram!(self.family.name, self.family.labelled(values))
    }

    pub const fn name(&self) -> &'static str {
        self.family.name
    }
}

impl Histogram<0> {
    pub fn record(&self, seconds: f64) {
        metrics::histogram!(self.family.name).record(seconds);
    }

    /// Times what comes until what it gives is dropped: also what is given up half-way.
    pub fn time(&'static self) -> Timing {
        Timing(self, Instant::now())
    }
}

#[must_use = "it times while it is kept"]
pub struct Timing(&'static Histogram<0>, Instant);

impl Drop for Timing {
    fn drop(&mut self) {
        self.0.record(self.1.elapsed().as_secs_f64());
    }
}

impl Family {
    fn labelled<V: Into<SharedString>>(&self, values: impl IntoIterator<Item = V>) -> Vec<metrics::Label> {
        let labelled = self.labels.iter().zip(values).map(|(label, value)| {
            let value = value.into();
            // The documents promise it; every test that comes by here holds the code to it.
            debug_assert!(
                label.values.all().is_none_or(|all| all.contains(&value.as_ref())),
                "{}: {} is never {value}",
                self.name,
                label.name,
            );
            metrics::Label::new(label.name, value)
        });
        labelled.collect()
    }

    /// Tells what it is. A counter whose series are all known is there from now on: what has not happened yet is 0, not
    /// missing, and the first time is an increase.
    pub(super) fn announce(&self) {
        match self.kind {
            Kind::Counter => {
                metrics::describe_counter!(self.name, self.help);
                for values in self.combinations().unwrap_or_default() {
                    metrics::counter!(self.name, self.labelled(values)).increment(0);
                }
            }
            Kind::Gauge => metrics::describe_gauge!(self.name, self.help),
            Kind::Histogram => metrics::describe_histogram!(self.name, self.help),
        }
    }

    /// Every combination of the labels' values, if they are known.
    fn combinations(&self) -> Option<Vec<Vec<&'static str>>> {
        self.labels.iter().try_fold(vec![Vec::new()], |begun, label| {
            let all = label.values.all()?;
            let continued = begun.iter().flat_map(|begun| {
                all.iter().map(move |value| {
                    let mut longer: Vec<&'static str> = begun.clone();
                    longer.push(value);
                    longer
                })
            });
            Some(continued.collect())
        })
    }
}
