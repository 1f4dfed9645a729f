//! Free ports on loopback that no parallel test process takes too.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

use rustix::fs::{FlockOperation, flock};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::{HarnessError, on};
use crate::jars::cache_root;

/// Below 32768: a port of the range for outgoing connections could be taken while its server restarts.
const FIRST: u16 = 12_000;
const BLOCK: u16 = 20;
const BLOCKS: u16 = 1_000;

/// Ports that stay ours until this is dropped.
#[derive(Debug)]
pub struct Ports {
    ports: Vec<u16>,
    _lock: File,
}

impl Ports {
    /// Reserves `count` ports (at most 20) that can be bound now.
    ///
    /// # Errors
    /// None of a thousand blocks is free, or the cache folder cannot be written.
    pub fn reserve(count: usize) -> Result<Self, HarnessError> {
        let folder = cache_root()?.join("ports");
        fs::create_dir_all(&folder).map_err(on("create", &folder))?;
        let start = random_u16();
        for step in 0..BLOCKS {
            let block = start.wrapping_add(step) % BLOCKS;
            let path = folder.join(block.to_string());
            let lock = File::create(&path).map_err(on("create", &path))?;
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            let base = FIRST + block * BLOCK;
            let ports: Vec<u16> = (base..base + BLOCK).filter(|port| is_free(*port)).take(count).collect();
            if ports.len() == count {
                return Ok(Self { ports, _lock: lock });
            }
        }
        Err(HarnessError::Ports(count))
    }

    /// The ports.
    pub fn all(&self) -> &[u16] {
        &self.ports
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn random_u16() -> u16 {
    let mut bytes = [0; 2];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(_) => u16::from_ne_bytes(bytes),
        Err(_) => std::process::id() as u16,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Ports;

    #[test]
    fn two_reservations_share_no_port() {
        let first = Ports::reserve(6).unwrap();
        let second = Ports::reserve(6).unwrap();
        let all: BTreeSet<u16> = first.all().iter().chain(second.all()).copied().collect();
        assert_eq!(all.len(), 12);
        assert!(all.iter().all(|port| *port < 32_768));
    }
}
