//! Readers that count what passes and explain what goes wrong.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds the bytes it reads to a shared counter.
pub(super) struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, bytes: Arc<AtomicU64>) -> Self {
        Self { inner, bytes }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Says which kind of compressed data is damaged, where the decompressor says only that something is.
pub(super) struct Explained<R> {
    inner: R,
    kind: &'static str,
}

impl<R> Explained<R> {
    pub(super) fn new(inner: R, kind: &'static str) -> Self {
        Self { inner, kind }
    }
}

impl<R: Read> Read for Explained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let kind = self.kind;
        self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => io::Error::new(
                error.kind(),
                format!("the {kind} data ends too early; the file is truncated, copy it again"),
            ),
            _ => io::Error::new(
                error.kind(),
                format!("the {kind} data is damaged ({error}); copy or create the file again"),
            ),
        })
    }
}
