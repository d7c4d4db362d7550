//! What a client sends first, which tells HTTP/2 from HTTP/1.1 where no handshake has.

use tokio::io::ReadBuf;

/// How each client of HTTP/2 begins (RFC 9113, 3.4); no request of HTTP/1.1 does.
const PREFACE: [u8; Opening::LENGTH] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What was read to tell them apart, and is to be read again.
#[derive(Debug, Default)]
pub(super) struct Opening {
    bytes: [u8; Self::LENGTH],
    count: usize,
    /// How much has been read again.
    read: usize,
}

impl Opening {
    /// As much as it takes at most.
    pub(super) const LENGTH: usize = 24;

    /// `None` until it is certain.
    pub(super) fn is_http2(&self) -> Option<bool> {
        let known = &self.bytes[..self.count];
        if !PREFACE.starts_with(known) {
            return Some(false);
        }
        (self.count == Self::LENGTH).then_some(true)
    }

    /// How much there is room for.
    pub(super) fn missing(&self) -> usize {
        Self::LENGTH - self.count
    }

    /// Keeps what came, which there is room for.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let end = self.count + bytes.len();
        self.bytes[self.count..end].copy_from_slice(bytes);
        self.count = end;
    }

    /// Whether nothing is left to be read again.
    pub(super) fn is_read(&self) -> bool {
        self.read == self.count
    }

    /// Gives what is left, or as much of it as there is room for.
    pub(super) fn read_into(&mut self, buffer: &mut ReadBuf<'_>) {
        let left = &self.bytes[self.read..self.count];
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.read += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> Option<bool> {
        let mut opening = Opening::default();
        for byte in bytes {
            opening.add(&[*byte]);
        }
        opening.is_http2()
    }

    #[test]
    fn it_is_certain_with_the_first_byte_that_differs() {
        for end in 0..PREFACE.len() {
            assert_eq!(told(&PREFACE[..end]), None, "{end}");
            let mut other = PREFACE[..=end].to_vec();
            other[end] ^= 1;
            assert_eq!(told(&other), Some(false), "{end}");
        }
        assert_eq!(told(&PREFACE), Some(true));
        for head in ["GET /", "POST /", "PUT /", "PATCH", "PROPFIND", "\r\n"] {
            assert_eq!(told(head.as_bytes()), Some(false), "{head}");
        }
    }

    #[test]
    fn what_was_read_is_read_again_in_whatever_pieces() {
        for piece in 1..=PREFACE.len() {
            let mut opening = Opening::default();
            opening.add(&PREFACE);
            let mut again = Vec::new();
            while !opening.is_read() {
                let mut bytes = vec![0; piece];
                let mut buffer = ReadBuf::new(&mut bytes);
                opening.read_into(&mut buffer);
                again.extend_from_slice(buffer.filled());
            }
            assert_eq!(again, PREFACE);
        }
    }
}
