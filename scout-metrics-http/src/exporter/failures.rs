//! How many failed attempts to log in are answered.
//!
//! An address that has failed too often is refused before its credentials are compared, so that it cannot go on
//! guessing. Several clients may share an address, for example that of a proxy. Credentials that were admitted from the
//! address before are therefore still compared: the failures of one client do not lock out the others.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::credentials::Credentials;

/// How long failures are counted from the first one on.
const WINDOW: Duration = Duration::from_secs(60);

/// The maximum number of failures of an address within [`WINDOW`]. A scraper with a wrong token that scrapes every 15
/// seconds fails four times.
const MAX_OF_PEER: u32 = 10;

/// The maximum number of failures of all addresses within [`WINDOW`].
const MAX_IN_TOTAL: u32 = 1000;

/// The maximum number of addresses that are remembered, each with up to 400 bytes.
const MAX_PEERS: usize = 4096;

/// The maximum number of admitted credentials that are remembered for an address.
const MAX_ADMITTED: usize = 32;

/// The recent failures.
#[derive(Debug, Default)]
pub(super) struct Failures {
    state: Mutex<State>,
    /// Has random keys, so that nobody can find credentials with the same fingerprint.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct State {
    total: Window,
    /// The clients whose address is not known are one peer.
    peers: HashMap<Option<IpAddr>, Peer>,
    /// The addresses in the order in which they were first seen.
    order: VecDeque<Option<IpAddr>>,
}

#[derive(Debug, Default)]
struct Peer {
    failures: Window,
    /// Fingerprints of credentials, the oldest first.
    admitted: VecDeque<u64>,
}

/// The failures since some time.
#[derive(Debug, Default)]
struct Window {
    count: u32,
    begin: Option<Instant>,
}

/// The time after which a refused client may try again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RetryAfter(pub(super) Duration);

impl Failures {
    /// Checks whether credentials may be compared with tokens.
    ///
    /// # Errors
    ///
    /// When to try again, if the address has failed too often.
    pub(super) fn check(
        &self,
        peer: Option<IpAddr>,
        credentials: &Credentials,
    ) -> Result<(), RetryAfter> {
        let state = self.lock();
        let excess = state
            .peers
            .get(&peer.map(network))
            .filter(|_| peer.is_some())
            .and_then(|peer| peer.failures.excess(MAX_OF_PEER));
        self.unless_known(&state, peer, credentials, excess)
    }

    /// Checks whether a password may be verified, which costs more than to compare a token.
    ///
    /// # Errors
    ///
    /// When to try again, if all addresses together have failed too often.
    pub(super) fn check_password(
        &self,
        peer: Option<IpAddr>,
        credentials: &Credentials,
    ) -> Result<(), RetryAfter> {
        let state = self.lock();
        let excess = state.total.excess(MAX_IN_TOTAL);
        self.unless_known(&state, peer, credentials, excess)
    }

    /// Returns an excess as an error, unless the credentials were admitted from the address before.
    fn unless_known(
        &self,
        state: &State,
        peer: Option<IpAddr>,
        credentials: &Credentials,
        excess: Option<RetryAfter>,
    ) -> Result<(), RetryAfter> {
        let Some(excess) = excess else {
            return Ok(());
        };
        let fingerprint = credentials.fingerprint(&self.hasher);
        let peer = state.peers.get(&peer.map(network));
        if peer.is_some_and(|peer| peer.admitted.contains(&fingerprint)) {
            return Ok(());
        }
        Err(excess)
    }

    /// Remembers credentials that were admitted.
    pub(super) fn admitted(&self, peer: Option<IpAddr>, credentials: &Credentials) {
        let fingerprint = credentials.fingerprint(&self.hasher);
        let mut state = self.lock();
        let admitted = &mut state.peer(peer).admitted;
        if !admitted.contains(&fingerprint) {
            if admitted.len() == MAX_ADMITTED {
                admitted.pop_front();
            }
            admitted.push_back(fingerprint);
        }
    }

    /// Begins to verify a password. If the client leaves before the result is known, that counts as a failure, because
    /// it has cost as much.
    pub(super) fn begin(&self, peer: Option<IpAddr>) -> Attempt<'_> {
        Attempt {
            failures: self,
            peer,
            is_pending: true,
        }
    }

    /// Counts a failure.
    ///
    /// # Errors
    ///
    /// When to try again, if the address, or all addresses together, had already failed too often.
    pub(super) fn failed(&self, peer: Option<IpAddr>) -> Result<(), RetryAfter> {
        let mut state = self.lock();
        let of_peer = state.count_of(peer);
        let in_total = state.total.excess(MAX_IN_TOTAL);
        state.total.count();
        if state.total.count == MAX_IN_TOTAL {
            tracing::warn!(
                count = MAX_IN_TOTAL,
                "too many failed logins within a minute"
            );
        }
        of_peer.or(in_total).map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A password that is being verified.
pub(super) struct Attempt<'a> {
    failures: &'a Failures,
    peer: Option<IpAddr>,
    is_pending: bool,
}

impl Attempt<'_> {
    /// Ends the attempt. Its result is known.
    pub(super) fn end(mut self) {
        self.is_pending = false;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_pending {
            let _ = self.failures.failed(self.peer);
        }
    }
}

impl State {
    /// Counts a failure of an address, and returns when to try again if it had already failed too often.
    fn count_of(&mut self, peer: Option<IpAddr>) -> Option<RetryAfter> {
        let address = peer?;
        let failures = &mut self.peer(peer).failures;
        let excess = failures.excess(MAX_OF_PEER);
        failures.count();
        if failures.count == MAX_OF_PEER {
            tracing::debug!(%address, "too many failed logins");
        }
        excess
    }

    /// Returns the state of an address. If there are too many, forgets the one that was first seen.
    fn peer(&mut self, peer: Option<IpAddr>) -> &mut Peer {
        let peer = peer.map(network);
        if !self.peers.contains_key(&peer) {
            if self.peers.len() == MAX_PEERS
                && let Some(first) = self.order.pop_front()
            {
                self.peers.remove(&first);
            }
            self.order.push_back(peer);
        }
        self.peers.entry(peer).or_default()
    }
}

impl Window {
    fn count(&mut self) {
        match self.begin {
            Some(begin) if begin.elapsed() < WINDOW => self.count = self.count.saturating_add(1),
            _ => {
                self.begin = Some(Instant::now());
                self.count = 1;
            }
        }
    }

    /// Returns the rest of the time, if there were too many failures.
    fn excess(&self, max: u32) -> Option<RetryAfter> {
        let rest = WINDOW.checked_sub(self.begin?.elapsed())?;
        (self.count >= max && !rest.is_zero()).then_some(RetryAfter(rest))
    }
}

/// Returns the part of an address that one client cannot choose: all of IPv4, the first 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_choose_among_networks() {
        for (address, of) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(network(address).to_string(), of);
        }
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let failures = Failures::default();
        for number in 0..10_000_u32 {
            let _ = failures.failed(Some(IpAddr::V4(number.into())));
        }
        let state = failures.lock();
        assert_eq!(state.peers.len(), MAX_PEERS);
        assert_eq!(state.order.len(), MAX_PEERS);
        let last = IpAddr::V4(9_999.into());
        assert!(state.peers.contains_key(&Some(last)));
    }
}
