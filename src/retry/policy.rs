//! How long to keep trying, and how long to pause between attempts.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// Budget and pauses of one operation.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Pause before the second attempt.
    pub first_pause: Duration,
    /// No pause grows beyond this.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first one began.
    pub budget: Duration,
    /// Gives a fraction in `[0, 1)`; pauses are spread by it between half and the whole of their length.
    pub random: fn() -> f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(3),
            budget: Duration::from_secs(60),
            random: random_fraction,
        }
    }
}

impl Policy {
    /// One attempt, no more.
    pub fn once() -> Self {
        Self { budget: Duration::ZERO, ..Self::default() }
    }

    /// The same pauses under another budget.
    #[must_use]
    pub fn within(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// The pause before attempt `number` (the first attempt is 1): doubled each time, capped, jittered.
    pub fn pause(&self, number: u32) -> Duration {
        let doublings = number.saturating_sub(2).min(16);
        let whole = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        whole.mul_f64(0.5 + (self.random)().clamp(0.0, 1.0) / 2.0)
    }
}

/// The standard library's hash seeds are random per process and stepped per call: enough to keep clients apart.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_keep_within_their_half() {
        let low = Policy { random: || 0.0, ..Policy::default() };
        let high = Policy { random: || 1.0, ..Policy::default() };
        assert_eq!(low.pause(2), Duration::from_millis(50));
        assert_eq!(high.pause(2), Duration::from_millis(100));
        assert_eq!(high.pause(4), Duration::from_millis(400));
        assert_eq!(high.pause(60), Duration::from_secs(3));
        for _ in 0..1000 {
            let fraction = random_fraction();
            assert!((0.0..1.0).contains(&fraction));
        }
    }
}
