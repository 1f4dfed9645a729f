//! Keeps to a number of bytes a second.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// What has passed and what may: after every so many bytes there is a pause for as long as they should have taken. Time
/// that went by unused is not made up for.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: Option<NonZeroU64>,
    free_at: Instant,
}

impl Pace {
    /// At most `rate` bytes a second; without one there is never a pause.
    pub fn new(rate: Option<NonZeroU64>) -> Self {
        Self { rate, free_at: Instant::now() }
    }

    /// How many bytes to move at once, of `most`: few enough to take a second at the most.
    pub fn at_once(&self, most: usize) -> usize {
        self.rate.map_or(most, |rate| most.min(usize::try_from(rate.get()).unwrap_or(usize::MAX)))
    }

    /// These bytes have passed.
    pub fn passed(&mut self, bytes: u64) {
        let Some(rate) = self.rate else { return };
        let took = Duration::from_secs_f64(bytes as f64 / rate.get() as f64);
        self.free_at = self.free_at.max(Instant::now()) + took;
    }

    /// Whether more may pass now.
    pub fn is_free(&self) -> bool {
        self.free_at <= Instant::now()
    }

    /// Returns once more may pass.
    pub async fn free(&self) {
        tokio::time::sleep_until(self.free_at.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_takes_the_time_that_it_should_have_taken() {
        let mut pace = Pace::new(NonZeroU64::new(1000));
        assert!(pace.is_free());
        let begun = Instant::now();
        pace.passed(2_000_000);
        pace.passed(500_000);
        assert!(!pace.is_free());
        let pause = pace.free_at - begun;
        assert!((2500..2510).contains(&pause.as_secs()), "{pause:?}");
        assert_eq!((pace.at_once(4 << 20), pace.at_once(10)), (1000, 10));
    }

    #[test]
    fn time_that_was_not_used_is_gone() {
        let mut pace = Pace::new(NonZeroU64::new(1000));
        pace.free_at = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        pace.passed(5000);
        assert!(!pace.is_free());
    }

    #[test]
    fn without_a_rate_there_is_no_pause() {
        let mut pace = Pace::new(None);
        pace.passed(u64::MAX);
        assert!(pace.is_free());
        assert_eq!(pace.at_once(4 << 20), 4 << 20);
    }
}
