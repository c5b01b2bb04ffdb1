//! Medians and percentiles.

/// The median; of an even number of values, the upper of the middle two.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 50)
}

/// The value below which so many percent of all lie.
pub(crate) fn percentile(values: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let place = values.len() * percent / 100;
    *values
        .get(place.min(values.len().saturating_sub(1)))
        .expect("there is at least one value")
}
