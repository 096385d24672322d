//! How long one answer takes.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::options::Latency;

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326;

/// Draws one latency; a spread is log-normal above its minimum.
pub(super) fn draw(latency: Latency, rng: &mut ChaCha8Rng) -> Duration {
    match latency {
        Latency::Fixed { fixed_ms } => Duration::from_millis(fixed_ms),
        Latency::Spread { min_ms, median_ms, p99_ms } => {
            let median = (median_ms - min_ms).max(0.001);
            let sigma = ((p99_ms - min_ms).max(median) / median).ln() / Z99;
            let (radius, angle): (f64, f64) = (rng.random(), rng.random());
            let normal = (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
            Duration::from_secs_f64((min_ms + median * (sigma * normal).exp()).clamp(0.0, 600_000.0) / 1000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_spread_has_the_named_median_and_tail() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let latency = Latency::Spread { min_ms: 20.0, median_ms: 50.0, p99_ms: 400.0 };
        let mut drawn: Vec<f64> = (0..20_000).map(|_| draw(latency, &mut rng).as_secs_f64() * 1000.0).collect();
        drawn.sort_by(f64::total_cmp);
        assert!(drawn[0] >= 20.0);
        assert!((drawn[10_000] - 50.0).abs() < 3.0, "median {}", drawn[10_000]);
        assert!((drawn[19_800] - 400.0).abs() < 60.0, "p99 {}", drawn[19_800]);
    }
}
