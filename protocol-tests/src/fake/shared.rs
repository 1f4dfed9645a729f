//! What all threads of a cluster share, and how brokers come and go.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connection;
use super::script::{Change, Script};
use super::state::{Health, State};

/// How long a port may still be held by the broker that had it before.
const REBIND: Duration = Duration::from_secs(3);

/// One cluster.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pub(crate) script: Script,
    ended: AtomicBool,
    streams: Mutex<BTreeMap<u64, (i32, TcpStream)>>,
    acceptors: Mutex<BTreeMap<i32, JoinHandle<()>>>,
    connections: AtomicU64,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            script: Script::default(),
            ended: AtomicBool::new(false),
            streams: Mutex::default(),
            acceptors: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    /// The state, to be looked at and changed. Whoever waits looks again when it is given back.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let done = act(&mut held(&self.state));
        self.changed.notify_all();
        done
    }

    /// The state, to be looked at only.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&held(&self.state))
    }

    /// Looks until there is something, or the deadline is over.
    pub(crate) fn until<T>(&self, deadline: Instant, mut look: impl FnMut(&mut State, bool) -> Option<T>) -> Option<T> {
        let mut state = held(&self.state);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let over = left.is_zero() || self.ended();
            if let Some(found) = look(&mut state, over) {
                return Some(found);
            }
            if over {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets time pass, but not after the end.
    pub(crate) fn pause(&self, time: Duration) {
        self.until(Instant::now() + time, |_, _| None::<()>);
    }

    /// Waits while a broker hangs; `false` once it is gone.
    pub(crate) fn answers(&self, node: i32) -> bool {
        let far = Instant::now() + Duration::from_secs(3600);
        let health = self.until(far, |state, _| {
            let health = state.brokers.get(&node).map_or(Health::Down, |broker| broker.health);
            (health != Health::Hung).then_some(health)
        });
        health == Some(Health::Up) && !self.ended()
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Notes a connection, so that it can be ended.
    pub(crate) fn enter(&self, node: i32, stream: &TcpStream) -> u64 {
        let id = self.connections.fetch_add(1, Ordering::Relaxed);
        if let Ok(stream) = stream.try_clone() {
            held(&self.streams).insert(id, (node, stream));
        }
        id
    }

    /// Forgets it.
    pub(crate) fn exit(&self, id: u64) {
        if let Some((_, stream)) = held(&self.streams).remove(&id) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Begins to listen for a broker.
    pub(crate) fn open(shared: &Arc<Self>, node: i32) -> std::io::Result<()> {
        let port = shared.look(|state| state.brokers.get(&node).map_or(0, |broker| broker.port));
        let deadline = Instant::now() + REBIND;
        let listener = loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                bound => break bound?,
            }
        };
        let accepting = thread::spawn({
            let shared = Arc::clone(shared);
            move || accept(&listener, &shared, node)
        });
        held(&shared.acceptors).insert(node, accepting);
        Ok(())
    }

    /// Ends a broker's listener and its connections.
    fn close(&self, node: i32) {
        let accepting = held(&self.acceptors).remove(&node);
        let port = self.look(|state| state.brokers.get(&node).map_or(0, |broker| broker.port));
        // Wakes up whoever accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        if let Some(accepting) = accepting {
            let _ = accepting.join();
        }
        for (at, stream) in held(&self.streams).values() {
            if *at == node {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Ends everything.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.with(|_| ());
        let nodes: Vec<i32> = held(&self.acceptors).keys().copied().collect();
        for node in nodes {
            self.close(node);
        }
    }

    fn health(&self, node: i32, health: Health) {
        self.with(|state| {
            if let Some(broker) = state.brokers.get_mut(&node) {
                broker.health = health;
            }
        });
    }

    /// One that is gone neither hangs nor wakes up.
    fn turn(&self, node: i32, from: Health, to: Health) {
        self.with(|state| {
            if let Some(broker) = state.brokers.get_mut(&node).filter(|broker| broker.health == from) {
                broker.health = to;
            }
        });
    }

    /// Changes the cluster.
    pub(crate) fn change(shared: &Arc<Self>, change: &Change) {
        match change {
            Change::Kill(node) => {
                shared.health(*node, Health::Down);
                shared.with(|state| state.leave(*node));
                shared.close(*node);
            }
            Change::Restart(node) => {
                let was = shared.with(|state| state.brokers.get(node).map(|broker| broker.health));
                shared.health(*node, Health::Up);
                if was == Some(Health::Down) && Self::open(shared, *node).is_ok() {
                    shared.with(|state| state.join(*node));
                }
            }
            Change::Hang(node) => shared.turn(*node, Health::Up, Health::Hung),
            Change::Wake(node) => shared.turn(*node, Health::Hung, Health::Up),
            other => shared.with(|state| state.apply(other)),
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, node: i32) {
    for stream in listener.incoming() {
        let up = shared.look(|state| state.brokers.get(&node).is_some_and(|broker| broker.health != Health::Down));
        if shared.ended() || !up {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        thread::spawn(move || connection::serve(stream, &shared, node));
    }
}
