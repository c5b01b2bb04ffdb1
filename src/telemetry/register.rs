//! How a metric is registered: under its name, with its help, and with every series it can have.

use std::fmt;
use std::hash::Hash;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::labels::{By, By2, Label};

/// Upper bounds in seconds. A hit takes some 50 µs, a confirming read up to a second; 10 s is what
/// the API server waits.
const DURATION_BUCKETS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

/// Histograms of durations, one for each value of a label.
pub(super) type Durations<A> = Family<By<A>, Histogram, fn() -> Histogram>;

pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

pub(super) fn seconds(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
    gauge
}

/// A gauge for each value of a label, which all begin with the same number.
pub(super) fn gauges<A: Series>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    initial: i64,
) -> Family<By<A>, Gauge> {
    let family = Family::<By<A>, Gauge>::default();
    registry.register(name, help, family.clone());
    for value in A::ALL {
        family.get_or_create(&By(*value)).set(initial);
    }
    family
}

/// A gauge in seconds for each value of a label, which all begin with zero.
pub(super) fn seconds_by<A: Series>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<By<A>, Gauge> {
    let family = Family::<By<A>, Gauge>::default();
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    at_zero(&family, A::ALL.iter().map(|value| By(*value)));
    family
}

pub(super) fn by<A: Series>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<By<A>, Counter> {
    let family = Family::default();
    registry.register(name, help, family.clone());
    at_zero(&family, A::ALL.iter().map(|value| By(*value)));
    family
}

pub(super) fn by2<A: Series, B: Series>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<By2<A, B>, Counter> {
    let family = Family::default();
    registry.register(name, help, family.clone());
    let pairs = A::ALL
        .iter()
        .flat_map(|a| B::ALL.iter().map(move |b| By2(*a, *b)));
    at_zero(&family, pairs);
    family
}

pub(super) fn durations<A: Series>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Durations<A> {
    let family = Durations::new_with_constructor(|| Histogram::new(DURATION_BUCKETS));
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    at_zero(&family, A::ALL.iter().map(|value| By(*value)));
    family
}

/// Makes the series of a family exist.
fn at_zero<S, M, C>(family: &Family<S, M, C>, label_sets: impl Iterator<Item = S>)
where
    S: Clone + Hash + Eq,
    C: MetricConstructor<M>,
{
    for label_set in label_sets {
        drop(family.get_or_create(&label_set));
    }
}

/// What a label must be to be one of a registered metric.
pub(super) trait Series: Label + fmt::Debug + Hash + Eq + Send + Sync {}
impl<L: Label + fmt::Debug + Hash + Eq + Send + Sync> Series for L {}
