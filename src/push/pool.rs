//! The connections between pushes: at most one idle per address, opened ahead of time, closed when old or dead, and
//! a limit on how many are open at all.
//! Must not know what they carry.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::connection::Connection;

#[derive(Debug)]
pub(super) struct Pool {
    places: Mutex<HashMap<SocketAddr, Place>>,
    permits: Arc<Semaphore>,
    most: usize,
    /// How many wait for a permit: while there are any, no connection is kept idle.
    waiting: AtomicUsize,
    idle: Duration,
}

#[derive(Debug)]
enum Place {
    Idle { connection: Connection, since: Instant },
    Opening(Arc<Notify>),
}

impl Pool {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Mutex::default(),
            permits: Arc::new(Semaphore::new(most)),
            most,
            waiting: AtomicUsize::new(0),
            idle,
        }
    }

    /// The idle connection to this address, if there is a living one.
    pub(super) fn take_idle(&self, address: SocketAddr) -> Option<Connection> {
        let mut places = self.places();
        if let Place::Opening(_) = places.get(&address)? {
            return None;
        }
        let place = places.remove(&address);
        drop(places);
        match place? {
            Place::Idle { connection, .. } => connection.is_usable().then_some(connection),
            Place::Opening(_) => None,
        }
    }

    /// The same; waits for a connection that is being opened.
    pub(super) async fn take(&self, address: SocketAddr, deadline: Instant) -> Option<Connection> {
        let opened = match self.places().get(&address) {
            Some(Place::Opening(opening)) => Some(Arc::clone(opening).notified_owned()),
            _ => None,
        };
        if let Some(opened) = opened {
            timeout_at(deadline, opened).await.ok()?;
        }
        self.take_idle(address)
    }

    /// Keeps a connection for the next push, unless it is of no use any more or somebody needs its permit.
    pub(super) fn put(&self, address: SocketAddr, connection: Connection) {
        if !connection.is_usable() {
            return;
        }
        let place = Place::Idle { connection, since: Instant::now() };
        let mut places = self.places();
        // Read under the lock: whoever waits has raised it before looking for an idle connection to close.
        let surplus = if self.waiting.load(Ordering::SeqCst) > 0 { Some(place) } else { places.insert(address, place) };
        drop(places);
        drop(surplus);
    }

    /// Leave to open a connection; closes the one that has been idle longest when too many are open.
    pub(super) async fn permit(&self) -> OwnedSemaphorePermit {
        let waits = Waits::enter(&self.waiting);
        loop {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
                return permit;
            }
            if !self.close_oldest() {
                break;
            }
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        drop(waits);
        match permit {
            Ok(permit) => permit,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }

    /// Opens a connection and keeps it idle, unless there is one or the limit is reached.
    pub(super) async fn warm(&self, address: SocketAddr, within: Duration) {
        let Some(opening) = self.begin_opening(address) else { return };
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        if let Ok(connection) = Connection::open(address, permit, Instant::now() + within).await {
            self.put(address, connection);
        }
        drop(opening);
    }

    fn begin_opening(&self, address: SocketAddr) -> Option<Opening<'_>> {
        let mut places = self.places();
        let taken = match places.get(&address) {
            Some(Place::Opening(_)) => true,
            Some(Place::Idle { connection, .. }) => connection.is_usable(),
            None => false,
        };
        if taken {
            return None;
        }
        let opened = Arc::new(Notify::new());
        let dead = places.insert(address, Place::Opening(Arc::clone(&opened)));
        drop(places);
        drop(dead);
        Some(Opening { pool: self, address, opened })
    }

    /// Closes idle connections that are too old or dead.
    pub(super) fn sweep(&self) {
        let mut closed = Vec::new();
        let mut places = self.places();
        let addresses: Vec<SocketAddr> = places.keys().copied().collect();
        for address in addresses {
            if let Some(Place::Idle { connection, since }) = places.get(&address)
                && (since.elapsed() >= self.idle || !connection.is_usable())
            {
                closed.extend(places.remove(&address));
            }
        }
        drop(places);
        drop(closed);
    }

    fn close_oldest(&self) -> bool {
        let mut places = self.places();
        let idle = places.iter().filter_map(|(address, place)| match place {
            Place::Idle { since, .. } => Some((*since, *address)),
            Place::Opening(_) => None,
        });
        let oldest = idle.min().map(|(_, address)| address);
        let closed = oldest.and_then(|address| places.remove(&address));
        drop(places);
        closed.is_some()
    }

    /// The addresses to which a connection is open or being opened.
    pub(super) fn warm_addresses(&self) -> HashSet<SocketAddr> {
        self.places().keys().copied().collect()
    }

    /// How many connections are open or being opened.
    pub(super) fn open(&self) -> usize {
        self.most.saturating_sub(self.permits.available_permits())
    }

    fn places(&self) -> MutexGuard<'_, HashMap<SocketAddr, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks an address as being opened; ends the waiting of others when it is dropped, however it went.
struct Opening<'pool> {
    pool: &'pool Pool,
    address: SocketAddr,
    opened: Arc<Notify>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut places = self.pool.places();
        if let Some(Place::Opening(_)) = places.get(&self.address) {
            places.remove(&self.address);
        }
        drop(places);
        self.opened.notify_waiters();
    }
}

/// Counts one waiter for as long as it lives.
struct Waits<'count>(&'count AtomicUsize);

impl<'count> Waits<'count> {
    fn enter(count: &'count AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
