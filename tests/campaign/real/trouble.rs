//! What goes wrong: on the way to the brokers, with the brokers, and with ktape itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use protocol_tests::Cluster;
use protocol_tests::desk::Desk;
use protocol_tests::fake::Random;
use protocol_tests::proxy::{Fate, Proxy, Request, api};

use crate::kafka::watched::Watched;

/// So slow is what carries data, that a run lasts long enough for something to happen.
const SLOW: Duration = Duration::from_millis(15);
/// The most bytes of an answer that still come.
const SOME: u64 = 2_000;

/// The ways to the three brokers.
pub struct Ways {
    proxies: Vec<Proxy>,
    /// Nothing goes wrong any more.
    calm: Arc<AtomicBool>,
}

impl Ways {
    /// One request in some dozen meets with something.
    pub fn troubled(cluster: &Cluster, random: &mut Random) -> Self {
        let calm = Arc::new(AtomicBool::new(false));
        let way = |node| {
            let (mut random, calm) = (Random::new(random.number()), Arc::clone(&calm));
            let rule =
                move |request| if calm.load(Ordering::Relaxed) { Fate::Pass } else { fate(request, &mut random) };
            Proxy::start(cluster.port(node), rule).unwrap()
        };
        Self { proxies: (1..=cluster.size()).map(way).collect(), calm }
    }

    /// What leads over them.
    pub fn flags(&self) -> Vec<String> {
        let addresses: Vec<String> = self.proxies.iter().map(Proxy::address).collect();
        let mut flags = vec!["--bootstrap-server".to_owned(), addresses.join(",")];
        for (node, address) in (1..).zip(addresses) {
            flags.extend(["--broker-address".to_owned(), format!("{node}={address}")]);
        }
        flags
    }
}

impl Drop for Ways {
    fn drop(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
    }
}

fn fate(request: Request, random: &mut Random) -> Fate {
    if [api::PRODUCE, api::FETCH].contains(&request.api) {
        thread::sleep(SLOW);
    }
    match random.below(80) {
        0 => Fate::Cut,
        1 => Fate::LoseAnswer,
        2 | 3 => Fate::CutAnswer(random.below(SOME) as usize),
        4 => Fate::Swallow,
        5 => {
            thread::sleep(Duration::from_millis(random.below(400)));
            Fate::Pass
        }
        _ => Fate::Pass,
    }
}

/// What happens to brokers.
#[derive(Debug)]
enum Event {
    Kill(usize),
    Restart(usize),
    Hang(usize),
    Lead(usize),
}

/// What happens to brokers during a run, and when.
#[derive(Debug)]
pub struct Events(Vec<(Duration, Event)>);

impl Events {
    pub fn plan(random: &mut Random) -> Self {
        let count = random.below(3);
        let event = |_| {
            let node = 1 + random.below(3) as usize;
            let event = match random.below(5) {
                0 => Event::Kill(node),
                1 => Event::Restart(node),
                2 => Event::Hang(node),
                _ => Event::Lead(node),
            };
            (Duration::from_millis(random.below(1_500)), event)
        };
        Self((0..count).map(event).collect())
    }

    /// Whether a run may be refused for want of brokers: topics are not made with fewer replicas than they had.
    pub fn explain(&self, code: Option<i32>, log: &str) -> bool {
        let away = self.0.iter().any(|(_, event)| matches!(event, Event::Kill(_) | Event::Restart(_)));
        away && code == Some(5) && log.contains("broker(s)")
    }

    /// Lets them happen, one after the other. In the end all brokers are there.
    pub fn happen(&self, cluster: &Cluster, desk: &Desk, topic: &str) {
        for (pause, event) in &self.0 {
            thread::sleep(*pause);
            let away = Duration::from_millis(1_500);
            match event {
                Event::Kill(node) => {
                    cluster.kill(*node).unwrap();
                    thread::sleep(away);
                    cluster.restart(*node).unwrap();
                }
                Event::Restart(node) => {
                    cluster.stop(*node).unwrap();
                    cluster.restart(*node).unwrap();
                }
                Event::Hang(node) => {
                    cluster.pause(*node);
                    thread::sleep(2 * away);
                    cluster.resume(*node);
                }
                // Of topics that a restore has not made yet nobody can be made leader.
                Event::Lead(node) => drop(desk.step(&format!("lead:{topic}:{node}"))),
            }
        }
    }
}

/// What happens to ktape.
#[derive(Debug, Clone, Copy)]
pub enum Blow {
    Kill,
    Stop,
    Interrupt,
    Terminate,
}

impl Blow {
    /// None, most of the time.
    pub fn plan(random: &mut Random) -> Option<(Duration, Self)> {
        let blow = match random.below(8) {
            0 | 1 => Self::Kill,
            2 => Self::Stop,
            3 => Self::Interrupt,
            4 => Self::Terminate,
            _ => return None,
        };
        Some((Duration::from_millis(random.below(2_500)), blow))
    }

    /// What is left of the run. One that has not logged anything yet may not listen to signals yet either.
    pub fn strike(self, mut run: Watched) -> Option<Watched> {
        match self {
            Self::Kill => {
                run.kill();
                return None;
            }
            Self::Stop => {
                run.pause();
                thread::sleep(Duration::from_secs(3));
                run.resume();
            }
            Self::Interrupt | Self::Terminate if !run.wait_for(1, |_| true) => {}
            Self::Interrupt => run.interrupt(),
            Self::Terminate => run.terminate(),
        }
        Some(run)
    }

    /// Whether a run that it strikes may end with that exit code, besides those of a run that nothing strikes.
    pub fn explains(self, code: Option<i32>) -> bool {
        matches!(self, Self::Interrupt | Self::Terminate) && code == Some(130)
    }
}
