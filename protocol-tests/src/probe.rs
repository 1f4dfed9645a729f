//! Asks a broker whether it is ready, in the few bytes of the protocol that this takes.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(3);
const LARGEST_ANSWER: usize = 1 << 20;

/// Metadata, version 4, correlation id 1, client id "probe", no topics, no auto-creation.
const METADATA: &[u8] = &[
    0, 3, 0, 4, 0, 0, 0, 1, 0, 5, b'p', b'r', b'o', b'b', b'e', // header
    0, 0, 0, 0, 0, // no topics, allow_auto_topic_creation = false
];

/// Node ids of the brokers that the broker at `port` calls alive. Only a broker that was let into the cluster and
/// serves clients answers this.
///
/// # Errors
/// It does not answer, or not in this protocol.
pub fn live_brokers(port: u16) -> io::Result<BTreeSet<i32>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&u32::try_from(METADATA.len()).unwrap_or(0).to_be_bytes())?;
    stream.write_all(METADATA)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = u32::from_be_bytes(size) as usize;
    if size > LARGEST_ANSWER {
        return Err(io::Error::other(format!("an answer of {size} bytes")));
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    node_ids(&answer).ok_or_else(|| io::Error::other("not a metadata answer"))
}

/// Reads correlation id, throttle time, and the brokers: id, host, port, nullable rack.
fn node_ids(answer: &[u8]) -> Option<BTreeSet<i32>> {
    let mut rest = answer.get(8..)?;
    let count = take_i32(&mut rest)?;
    let mut ids = BTreeSet::new();
    for _ in 0..count {
        ids.insert(take_i32(&mut rest)?);
        take_string(&mut rest)?;
        take_i32(&mut rest)?;
        take_string(&mut rest)?;
    }
    Some(ids)
}

fn take_i32(rest: &mut &[u8]) -> Option<i32> {
    let (value, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i32::from_be_bytes(*value))
}

fn take_string(rest: &mut &[u8]) -> Option<()> {
    let (length, after) = rest.split_first_chunk()?;
    *rest = after.get(usize::try_from(i16::from_be_bytes(*length)).unwrap_or(0)..)?;
    Some(())
}
