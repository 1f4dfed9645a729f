//! The loop over attempts.

use std::time::{Duration, Instant};

use super::Policy;
use crate::model::{Classify, ErrorClass};

/// What an attempt knows about the ones before it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Somebody's routing was stale: read it again first.
    pub refresh: bool,
    /// Time since the first attempt began.
    pub elapsed: Duration,
}

/// Works on many items until each is done or has failed for good; only those that can still succeed are tried again.
/// Results come in the order in which they settle.
pub async fn settle<I, T, E, Work>(
    policy: Policy,
    mut pending: Vec<I>,
    mut work: impl FnMut(Vec<I>, Attempt) -> Work,
) -> Vec<(I, Result<T, E>)>
where
    E: Classify,
    Work: Future<Output = Vec<(I, Result<T, E>)>>,
{
    let began = Instant::now();
    let mut settled = Vec::with_capacity(pending.len());
    let mut attempt = Attempt { number: 1, refresh: false, elapsed: Duration::ZERO };
    while !pending.is_empty() {
        let results = work(std::mem::take(&mut pending), attempt).await;
        let (mut again, done): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, result)| is_retriable(result));
        settled.extend(done);
        let pause = policy.pause(attempt.number + 1).max(longest_wait(&again));
        if began.elapsed() + pause > policy.budget {
            settled.append(&mut again);
        }
        if again.is_empty() {
            break;
        }
        attempt.refresh = again.iter().any(|(_, result)| class(result) == Some(ErrorClass::RefreshMetadata));
        tracing::debug!(attempt = attempt.number, items = again.len(), ?pause, "will try again");
        tokio::time::sleep(pause).await;
        attempt.number += 1;
        attempt.elapsed = began.elapsed();
        pending = again.into_iter().map(|(item, _)| item).collect();
    }
    settled
}

/// Works on one thing until it is done or has failed for good.
pub async fn retry<T, E, Work>(policy: Policy, mut work: impl FnMut(Attempt) -> Work) -> Result<T, E>
where
    E: Classify,
    Work: Future<Output = Result<T, E>>,
{
    let began = Instant::now();
    let mut attempt = Attempt { number: 1, refresh: false, elapsed: Duration::ZERO };
    loop {
        let error = match work(attempt).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let class = error.class();
        let pause = policy.pause(attempt.number + 1).max(wait_of(class));
        if !class.is_retriable() || began.elapsed() + pause > policy.budget {
            return Err(error);
        }
        tracing::debug!(attempt = attempt.number, ?class, ?pause, "will try again");
        tokio::time::sleep(pause).await;
        attempt.number += 1;
        attempt.refresh = class == ErrorClass::RefreshMetadata;
        attempt.elapsed = began.elapsed();
    }
}

fn class<T, E: Classify>(result: &Result<T, E>) -> Option<ErrorClass> {
    result.as_ref().err().map(Classify::class)
}

fn is_retriable<T, E: Classify>(result: &Result<T, E>) -> bool {
    class(result).is_some_and(ErrorClass::is_retriable)
}

fn wait_of(class: ErrorClass) -> Duration {
    if let ErrorClass::Wait(wait) = class { wait } else { Duration::ZERO }
}

fn longest_wait<I, T, E: Classify>(results: &[(I, Result<T, E>)]) -> Duration {
    results.iter().filter_map(|(_, result)| class(result)).map(wait_of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failure(ErrorClass);

    impl Classify for Failure {
        fn class(&self) -> ErrorClass {
            self.0
        }
    }

    fn quick() -> Policy {
        Policy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            budget: Duration::from_millis(200),
            random: || 0.5,
        }
    }

    #[tokio::test]
    async fn only_what_can_still_succeed_is_tried_again() {
        let mut rounds = Vec::new();
        let results = settle(quick(), vec![1, 2, 3], |items: Vec<i32>, attempt: Attempt| {
            rounds.push((items.clone(), attempt.refresh));
            let judge = |item: i32| match (item, attempt.number) {
                (1, _) => Ok(10),
                (2, _) => Err(Failure(ErrorClass::Reject)),
                (_, 3) => Ok(30),
                _ => Err(Failure(ErrorClass::RefreshMetadata)),
            };
            let results = items.into_iter().map(|item| (item, judge(item))).collect();
            std::future::ready(results)
        })
        .await;
        assert_eq!(rounds, [(vec![1, 2, 3], false), (vec![3], true), (vec![3], true)]);
        let done: Vec<_> = results.iter().map(|(item, result)| (*item, result.as_ref().ok().copied())).collect();
        assert_eq!(done, [(1, Some(10)), (2, None), (3, Some(30))]);
    }

    #[tokio::test]
    async fn the_budget_ends_it_with_the_last_error() {
        let mut attempts = 0;
        let result: Result<(), _> = retry(quick(), |_| {
            attempts += 1;
            std::future::ready(Err(Failure(ErrorClass::Retry)))
        })
        .await;
        assert!(result.is_err_and(|error| error.0 == ErrorClass::Retry));
        assert!(attempts > 3);
    }

    #[tokio::test]
    async fn a_wait_longer_than_the_budget_is_not_begun() {
        let mut attempts = 0;
        let wait = ErrorClass::Wait(Duration::from_secs(60));
        let result: Result<(), _> = retry(quick(), |_| {
            attempts += 1;
            std::future::ready(Err(Failure(wait)))
        })
        .await;
        assert!(result.is_err());
        assert_eq!(attempts, 1);
    }
}
