//! Statistics of run times.

/// Median and its 95 % confidence interval by order statistics (no assumption on the shape).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    pub runs: usize,
}

impl Summary {
    /// `None` without runs. With fewer than six the interval is the range.
    pub fn of(runs: &[f64]) -> Option<Summary> {
        let mut sorted: Vec<f64> = runs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let median = match n {
            0 => return None,
            n if n % 2 == 1 => sorted[n / 2],
            n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
        };
        // Ranks n/2 ± 1.96·√n/2 of the sorted runs.
        let half = 0.98 * (n as f64).sqrt();
        let low = ((n as f64 / 2.0 - half).floor().max(1.0) as usize - 1).min(n - 1);
        let high = ((n as f64 / 2.0 + half).ceil() as usize).clamp(1, n) - 1;
        Some(Summary { median, low: sorted[low], high: sorted[high], runs: n })
    }

    /// Width of the interval relative to the median.
    pub fn spread(&self) -> f64 {
        if self.median > 0.0 { (self.high - self.low) / self.median } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_interval() {
        assert_eq!(Summary::of(&[]), None);
        let one = Summary::of(&[3.0]).expect("one run");
        assert_eq!((one.median, one.low, one.high), (3.0, 3.0, 3.0));
        let runs: Vec<f64> = (1..=101).map(f64::from).collect();
        let summary = Summary::of(&runs).expect("runs");
        assert_eq!(summary.median, 51.0);
        assert_eq!((summary.low, summary.high), (40.0, 61.0));
    }
}
