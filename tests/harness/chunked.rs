//! Bodies in chunks (RFC 9112 §7.1), one at a time, so that a test decides when the next one comes.

use std::io::{BufRead, Read, Write};

use super::Raw;

impl Raw {
    /// Sends a chunk.
    pub(crate) fn send_chunk(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        self.send(format!("{:x}\r\n", bytes.len()));
        self.send(bytes).send("\r\n")
    }

    /// Sends a chunk, unless the connection has ended.
    pub(crate) fn try_send_chunk(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let bytes = bytes.as_ref();
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend([bytes, b"\r\n"].concat());
        self.writer().write_all(&chunk).is_ok()
    }

    /// Says that the body is over.
    pub(crate) fn send_last_chunk(&mut self) -> &mut Self {
        self.send("0\r\n\r\n")
    }

    /// Reads a chunk: empty at the end of the body, `None` where the connection ends before it.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let reader = self.reader();
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim_end(), 16).ok()?;
        let mut bytes = vec![0; size];
        reader.read_exact(&mut bytes).ok()?;
        let mut end = [0; 2];
        reader.read_exact(&mut end).ok()?;
        assert_eq!(&end, b"\r\n");
        Some(bytes)
    }

    /// Reads the rest of the body, and whether it came to its end.
    pub(crate) fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            match self.chunk() {
                Some(chunk) if chunk.is_empty() => return (body, true),
                Some(chunk) => body.extend(chunk),
                None => return (body, false),
            }
        }
    }
}
