//! Standard output that may be a pipe whose reader leaves.

use std::io::{self, BufWriter, ErrorKind, Write};

/// Enough for a line of `export` not to be a system call.
const BUFFER_BYTES: usize = 64 * 1024;

/// A buffered writer that remembers whether its reader has left. Errors lose their kind on the way
/// through other crates, so asking the error itself would not do.
pub(super) struct Output<'a> {
    buffer: BufWriter<Watched<'a>>,
}

struct Watched<'a> {
    inner: &'a mut dyn Write,
    is_closed: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(inner: &'a mut dyn Write) -> Self {
        let watched = Watched {
            inner,
            is_closed: false,
        };
        Self {
            buffer: BufWriter::with_capacity(BUFFER_BYTES, watched),
        }
    }

    /// Whether a write failed because the reader of the pipe has left.
    pub(super) fn is_closed(&self) -> bool {
        self.buffer.get_ref().is_closed
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer.flush()
    }
}

impl Watched<'_> {
    fn watch<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.is_closed |= error.kind() == ErrorKind::BrokenPipe;
        }
        result
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.watch(flushed)
    }
}
