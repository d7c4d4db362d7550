//! One document, for all who watch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

/// Pages that may be open at once. Each costs a connection and some bytes.
const MOST_CLIENTS: usize = 500;

/// What is shown. Clones share it.
#[derive(Clone)]
pub struct Board {
    shown: watch::Sender<Bytes>,
    clients: Arc<AtomicUsize>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            shown: watch::Sender::new(Bytes::new()),
            clients: Arc::default(),
        }
    }
}

impl Board {
    /// Replaces what is shown. Whoever is slow sees the newest, and nobody is waited for.
    pub(super) fn show(&self, drawn: impl Into<Bytes>) {
        self.shown.send_replace(drawn.into());
    }

    /// What is shown now; empty where nothing was drawn yet.
    pub fn now(&self) -> Bytes {
        self.shown.borrow().clone()
    }

    /// A place to watch from, where there is one left.
    pub fn watch(&self) -> Option<Watcher> {
        let more = |clients| (clients < MOST_CLIENTS).then_some(clients + 1);
        let counted = self
            .clients
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        counted.ok()?;
        let mut shown = self.shown.subscribe();
        // The first one is what is there.
        shown.mark_changed();
        Some(Watcher {
            shown,
            clients: Arc::clone(&self.clients),
        })
    }

    /// Who watches.
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }
}

/// Somebody who watches, until it is dropped.
pub struct Watcher {
    shown: watch::Receiver<Bytes>,
    clients: Arc<AtomicUsize>,
}

impl Watcher {
    /// Awaits the next document; `None` where there will be none. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.shown.changed().await.ok()?;
            let shown = self.shown.borrow_and_update().clone();
            if !shown.is_empty() {
                return Some(shown);
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board")
            .field("clients", &self.clients())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_see_the_same_bytes_and_the_newest() {
        let board = Board::default();
        let (mut one, mut slow) = (board.watch().unwrap(), board.watch().unwrap());
        board.show("1");
        let first = one.next().await.unwrap();
        board.show("2");
        assert_eq!(
            (&first[..], &slow.next().await.unwrap()[..]),
            (&b"1"[..], &b"2"[..])
        );
        let second = one.next().await.unwrap();
        assert_eq!(second.as_ptr(), board.now().as_ptr(), "not a copy");
        let mut late = board.watch().unwrap();
        assert_eq!(&late.next().await.unwrap()[..], b"2");
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let board = Board::default();
        let watchers: Vec<_> = (0..MOST_CLIENTS).map(|_| board.watch().unwrap()).collect();
        assert!(board.watch().is_none());
        drop(watchers);
        assert_eq!(board.clients(), 0);
        assert!(board.watch().is_some());
    }
}
