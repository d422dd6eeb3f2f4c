//! A histogram of durations.

use std::{fmt::Write, time::Duration};

use scout_metrics_openmetrics::{EncodeError, Encoder, MetricType};

/// Counts durations in buckets.
#[derive(Debug)]
pub(super) struct Histogram<const N: usize> {
    bounds: [f64; N],
    /// The durations up to a bound that exceed the bound before.
    counts: [u64; N],
    /// The durations that exceed all bounds.
    beyond: u64,
    sum: f64,
}

impl<const N: usize> Histogram<N> {
    /// Creates an empty histogram. The bounds are in seconds and ascend.
    pub(super) fn new(bounds: [f64; N]) -> Self {
        Self {
            bounds,
            counts: [0; N],
            beyond: 0,
            sum: 0.0,
        }
    }

    /// Counts a duration.
    pub(super) fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.sum += seconds;
        match self.bounds.iter().position(|&bound| seconds <= bound) {
            Some(bucket) => self.counts[bucket] += 1,
            None => self.beyond += 1,
        }
    }

    /// Writes the family.
    pub(super) fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        name: &str,
        help: &str,
    ) -> Result<(), EncodeError> {
        encoder.family(name, MetricType::Histogram, help, "")?;
        let bucket = format!("{name}_bucket");
        let mut count = 0;
        for (bound, more) in self.bounds.iter().zip(self.counts) {
            count += more;
            // OpenMetrics requires the fraction, also of whole numbers.
            let bound = format!("{bound:?}");
            encoder.sample(&bucket, [("le", &*bound)], count as f64)?;
        }
        count += self.beyond;
        encoder.sample(&bucket, [("le", "+Inf")], count as f64)?;
        encoder.sample(&format!("{name}_sum"), [], self.sum)?;
        encoder.sample(&format!("{name}_count"), [], count as f64)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_openmetrics::Format;

    #[test]
    fn buckets_are_cumulative_and_include_their_bound() {
        let mut histogram = Histogram::new([0.5, 1.0]);
        for millis in [100, 500, 700, 9000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
        histogram.encode(&mut encoder, "x", "Help.").unwrap();
        let lines = [
            "# TYPE x histogram",
            "# HELP x Help.",
            r#"x_bucket{le="0.5"} 2"#,
            r#"x_bucket{le="1.0"} 3"#,
            r#"x_bucket{le="+Inf"} 4"#,
            "x_sum 10.3",
            "x_count 4",
            "# EOF\n",
        ];
        assert_eq!(encoder.finish().unwrap(), lines.join("\n"));
    }
}
