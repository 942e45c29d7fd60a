//! Medians and high percentiles of a row of measurements.
//! Must not know what was measured.

use std::time::Duration;

/// Measurements of one thing; times count in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One time more.
    pub fn add(&mut self, took: Duration) {
        self.add_value(took.as_secs_f64() * 1000.0);
    }

    /// One measurement more.
    pub fn add_value(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value below which this part of the measurements lies, by the nearest rank; NaN of none.
    #[must_use]
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank in a list of at most some thousands"
        )]
        let rank = (part * sorted.len() as f64).ceil().max(1.0) as usize - 1;
        sorted.get(rank.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    /// The median.
    #[must_use]
    pub fn p50(&self) -> f64 {
        self.quantile(0.50)
    }

    /// The 99th percentile.
    #[must_use]
    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }
}

impl Extend<Duration> for Samples {
    fn extend<I: IntoIterator<Item = Duration>>(&mut self, measured: I) {
        measured.into_iter().for_each(|took| self.add(took));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_values() {
        let mut samples = Samples::default();
        assert!(samples.p50().is_nan());
        for millis in (1..=100).rev() {
            samples.add(Duration::from_millis(millis));
        }
        assert_eq!((samples.p50(), samples.p99(), samples.quantile(1.0)), (50.0, 99.0, 100.0));
    }
}
