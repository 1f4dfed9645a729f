//! Several questions at once.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

/// Runs all futures at the same time on this task; the results keep the futures' order.
pub(super) async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Option<Pin<Box<F>>>> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let mut results: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (slot, result) in running.iter_mut().zip(&mut results) {
            let Some(future) = slot else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    *result = Some(output);
                    *slot = None;
                }
                Poll::Pending => all = false,
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// Runs all futures at the same time on this task until one succeeds; if none does, all their errors.
pub(super) async fn first_ok<T, E, F: Future<Output = Result<T, E>>>(futures: Vec<F>) -> Result<T, Vec<E>> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut errors = Vec::new();
    std::future::poll_fn(|context| {
        let mut index = 0;
        while let Some(future) = running.get_mut(index) {
            match future.as_mut().poll(context) {
                Poll::Ready(Ok(value)) => return Poll::Ready(Ok(value)),
                Poll::Ready(Err(error)) => {
                    errors.push(error);
                    drop(running.swap_remove(index));
                }
                Poll::Pending => index += 1,
            }
        }
        if running.is_empty() { Poll::Ready(Err(std::mem::take(&mut errors))) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn all_wait_at_the_same_time_and_keep_their_order() {
        let began = Instant::now();
        let nap = async |number: u64| {
            tokio::time::sleep(Duration::from_millis(400 - number)).await;
            number
        };
        assert_eq!(join_all((0..5).map(nap).collect()).await, [0, 1, 2, 3, 4]);
        assert!(began.elapsed() < Duration::from_millis(1_500));
        assert!(join_all(Vec::<std::future::Ready<u8>>::new()).await.is_empty());
    }

    #[tokio::test]
    async fn the_first_success_ends_it() {
        let nap = async |number: u64| {
            tokio::time::sleep(Duration::from_millis(number)).await;
            if number == 20 { Ok(number) } else { Err(number) }
        };
        assert_eq!(first_ok(vec![nap(60_000), nap(20), nap(1)]).await, Ok(20));
        let mut errors = first_ok(vec![nap(2), nap(1)]).await.unwrap_err();
        errors.sort_unstable();
        assert_eq!(errors, [1, 2]);
    }
}
