//! Tells what is going on, with a line at least every ten seconds.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

const SILENCE: Duration = Duration::from_secs(10);

/// A heading for what comes next.
pub(crate) fn chapter(number: usize, title: &str) {
    println!("\n== {number}. {title}");
}

/// One line of what happened.
pub(crate) fn tell(line: &str) {
    println!("   {line}");
}

/// Does `work` and says how long it takes; while it takes long, says so again and again.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    println!("   {what} ...");
    let begin = Instant::now();
    let (done, ended) = channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            while ended.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                println!("   ... {what}, {} s so far", begin.elapsed().as_secs());
            }
        });
        let result = work();
        drop(done);
        result
    });
    println!("   {what}: {:.1} s", begin.elapsed().as_secs_f32());
    result
}
