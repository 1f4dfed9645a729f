//! How much of what brokers send may be in memory: half of it for answers on their way, half for what waits to be written.

/// Requests on their way, of all leaders together.
#[derive(Debug)]
pub(super) struct InFlight {
    most: usize,
    largest: usize,
    requests: usize,
}

impl InFlight {
    /// Their answers may take half of so many bytes.
    pub(super) fn new(memory: usize) -> Self {
        Self { most: memory / 2, largest: 0, requests: 0 }
    }

    /// Whether another one may leave that asks for so many bytes. One always may: its answer is what it is.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        // Who asks for less than a batch gets the batch all the same (KIP-74).
        self.requests == 0 || (self.requests + 1).saturating_mul(bytes.max(self.largest)) <= self.most
    }

    /// One left.
    pub(super) fn sent(&mut self) {
        self.requests += 1;
    }

    /// One is over, with so many bytes.
    pub(super) fn came(&mut self, bytes: usize) {
        self.requests -= 1;
        // A single large batch is soon forgotten.
        self.largest = bytes.max(self.largest - self.largest / 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_together_take_half_of_the_memory() {
        let mut requests = InFlight::new(64);
        for _ in 0..4 {
            assert!(requests.has_room(8));
            requests.sent();
        }
        assert!(!requests.has_room(8));
        requests.came(8);
        assert!(requests.has_room(8) && !requests.has_room(9));
        requests.came(16);
        assert!(!requests.has_room(8), "the next ones may be as large as the largest one was");
        requests.came(0);
        assert!(requests.has_room(8));
    }

    #[test]
    fn a_large_batch_is_soon_forgotten() {
        let mut requests = InFlight::new(64);
        requests.sent();
        requests.sent();
        requests.came(100);
        assert!(!requests.has_room(8));
        (0..20).for_each(|_| {
            requests.sent();
            requests.came(4);
        });
        assert!(requests.has_room(8));
    }

    #[test]
    fn one_request_may_always_leave() {
        let mut requests = InFlight::new(2);
        assert!(requests.has_room(usize::MAX));
        requests.sent();
        assert!(!requests.has_room(1 << 20));
    }
}
