#![allow(clippy::disallowed_macros, reason = "this is where the catalogue's names meet them")]
use std::{collections::BTreeMap, time::Instant};

use super::handles::{Handles, handle};

/// All series of one metric name.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// Description, the same in `/metrics` and `docs/metrics.md`.
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

/// A label, which distinguishes the series of one name.
#[derive(Debug)]
pub struct Label {
    pub name: &'static str,
    pub values: Values,
}

/// The possible values of a label. Every kind is bounded: no outsider can make it grow.
#[derive(Debug)]
pub enum Values {
    /// Each of these and no other.
    Closed(&'static [&'static str]),
    /// The values that the rooms declare, and where they are listed, if they are too many to list here.
    Declared(Option<&'static str>),
    /// A small set known only to the code that produces it; the text describes it.
    Few(&'static str),
}

impl Label {
    pub const fn one_of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Values::Closed(values) }
    }

    /// A label whose values the rooms declare.
    pub const fn declared(name: &'static str) -> Self {
        Self { name, values: Values::Declared(None) }
    }

    /// The same, listed at that place.
    pub const fn declared_and_listed(name: &'static str, place: &'static str) -> Self {
        Self { name, values: Values::Declared(Some(place)) }
    }

    pub const fn few(name: &'static str, which: &'static str) -> Self {
        Self { name, values: Values::Few(which) }
    }
}

/// A group of metrics: its title and its members.
pub type Group = (&'static str, &'static [&'static Family]);

/// All metrics that `/metrics` may show.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub groups: Vec<Group>,
    /// The label values that rooms declare.
    pub declared: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Catalogue {
    pub fn families(&self) -> impl Iterator<Item = &'static Family> + '_ {
        self.groups.iter().flat_map(|(_, families)| families.iter().copied())
    }

    pub fn declare(&mut self, label: &'static str, values: impl IntoIterator<Item = &'static str>) {
        self.declared.entry(label).or_default().extend(values);
    }

    /// Returns all values of a label, if known.
    pub fn values(&self, label: &Label) -> Option<&[&'static str]> {
        match label.values {
            Values::Closed(all) => Some(all),
            Values::Declared(_) => self.declared.get(label.name).map(Vec::as_slice),
            Values::Few(_) => None,
        }
    }

    /// Describes a family to the recorder. Registers a counter whose series are all known immediately: an event that
    /// has not happened yet is 0, not missing, and the first one is an increase.
    pub(super) fn announce(&self, family: &'static Family) {
        let Family { name, help, .. } = *family;
        match family.kind {
            Kind::Counter => {
                metrics::describe_counter!(name, help);
                for values in self.combinations(family).unwrap_or_default() {
                    metrics::counter!(name, family.labelled(&values)).increment(0);
                }
            }
            Kind::Gauge => metrics::describe_gauge!(name, help),
            Kind::Histogram => metrics::describe_histogram!(name, help),
        }
    }

    /// Returns every combination of the labels' values, if they are known.
    fn combinations(&self, family: &Family) -> Option<Vec<Vec<&'static str>>> {
        family.labels.iter().try_fold(vec![Vec::new()], |begun, label| {
            let all = self.values(label)?;
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

macro_rules! declared {
    ($kind:ident, $handles:ident, $look_up:ident) => {
        thread_local! {
            static $handles: Handles<metrics::$kind> = Handles::default();
        }

        impl<const LABELS: usize> $kind<LABELS> {
            pub const fn new(family: Family) -> Self {
                Self(family)
            }

            /// Returns the series with these label values, in the order of the catalogue.
            pub fn with<V: AsRef<str>>(&self, values: [V; LABELS]) -> metrics::$kind {
                let look_up = || metrics::$look_up!(self.0.name, self.0.labelled(&values));
                // While its thread ends nothing is kept any more.
                $handles
                    .try_with(|handles| handle(handles, self.0.name, &values, look_up))
                    .unwrap_or_else(|_| look_up())
            }

            pub const fn family(&self) -> &Family {
                &self.0
            }
        }
    };
}

/// A counter of events.
#[derive(Debug)]
pub struct Counter<const LABELS: usize>(Family);

/// A gauge of a current amount.
#[derive(Debug)]
pub struct Gauge<const LABELS: usize>(Family);

/// A histogram of durations.
#[derive(Debug)]
pub struct Histogram<const LABELS: usize>(Family);

declared!(Counter, COUNTERS, counter);

impl Counter<0> {
    pub fn increment(&self, by: u64) {
        self.with::<&str>([]).increment(by);
    }

    /// Sets a count that was taken elsewhere.
    pub fn absolute(&self, count: u64) {
        self.with::<&str>([]).absolute(count);
    }
}

declared!(Gauge, GAUGES, gauge);

impl Gauge<0> {
    pub fn set(&self, value: impl metrics::IntoF64) {
        self.series().set(value);
    }

    /// Adds one for as long as the returned guard is kept.
    pub fn one_more(&self) -> OneMore {
        let gauge = self.series();
        gauge.increment(1.0);
        OneMore(gauge)
    }

    fn series(&self) -> metrics::Gauge {
        self.with::<&str>([])
    }
}

/// Dropping it subtracts one, however the counted activity has ended.
#[must_use = "it counts while it is kept"]
pub struct OneMore(metrics::Gauge);

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

declared!(Histogram, HISTOGRAMS, histogram);

impl<const LABELS: usize> Histogram<LABELS> {
    pub const fn name(&self) -> &'static str {
        self.0.name
    }
}

impl Histogram<0> {
    pub fn record(&self, seconds: f64) {
        self.with::<&str>([]).record(seconds);
    }

    /// Measures the time until the returned guard is dropped, including work that is abandoned half-way.
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
    fn labelled<V: AsRef<str>>(&self, values: &[V]) -> Vec<metrics::Label> {
        let labelled = self.labels.iter().zip(values).map(|(label, value)| {
            let value = value.as_ref();
            // The documents promise these values; every test that reaches this line checks the code against them.
            debug_assert!(
                !matches!(label.values, Values::Closed(all) if !all.contains(&value)),
                "{}: {} is never {value}",
                self.name,
                label.name,
            );
            metrics::Label::new(label.name, value.to_owned())
        });
        labelled.collect()
    }
}
