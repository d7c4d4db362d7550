//! Where the frames of HTTP/2 begin and end that are sent (RFC 9113, 4.1 and 6).

/// Length, kind, flags and stream.
const HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// GOAWAY: no error, and whatever has been asked is answered.
pub(super) const GOODBYE: [u8; HEADER + 8] = [
    0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0,
];

/// Follows them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// How much of the header.
    known: usize,
    /// How much of what follows it has yet to come.
    left: usize,
    /// Others may not come in between.
    is_amid_headers: bool,
    has_answered: bool,
}

impl Frames {
    /// Takes note of what was sent.
    pub(super) fn note(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let count = self.left.min(bytes.len());
                self.left -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEADER - self.known).min(bytes.len());
            let (taken, rest) = bytes.split_at(count);
            self.header[self.known..self.known + count].copy_from_slice(taken);
            self.known += count;
            bytes = rest;
            if self.known == HEADER {
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        self.known = 0;
        let [high, middle, low, kind, flags, ..] = self.header;
        self.left = u32::from_be_bytes([0, high, middle, low]) as usize;
        if matches!(kind, HEADERS | CONTINUATION) {
            self.is_amid_headers = flags & END_HEADERS == 0;
            self.has_answered = true;
        }
    }

    /// Whether another one may come now.
    pub(super) fn is_between_two(&self) -> bool {
        self.known == 0 && self.left == 0 && !self.is_amid_headers
    }

    /// Whether the head of an answer was among them.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER + usize::from(length), 0xff);
        frame
    }

    #[test]
    fn frames_are_told_apart_in_whatever_pieces_they_are_sent() {
        let all = [
            (frame(4, 0, 6), true),
            (frame(HEADERS, 0, 20), false),
            (frame(CONTINUATION, END_HEADERS, 3), true),
            (frame(0, 1, 0), true),
            (frame(HEADERS, END_HEADERS | 1, 200), true),
        ];
        let bytes: Vec<u8> = all.iter().flat_map(|(frame, _)| frame.clone()).collect();
        let mut ends = Vec::new();
        let mut end = 0;
        for (frame, is_between_two) in &all {
            end += frame.len();
            if *is_between_two {
                ends.push(end);
            }
        }
        for piece in 1..bytes.len() {
            let mut frames = Frames::default();
            let mut position = 0;
            for bytes in bytes.chunks(piece) {
                frames.note(bytes);
                position += bytes.len();
                assert_eq!(
                    frames.is_between_two(),
                    ends.contains(&position),
                    "{position}"
                );
                assert_eq!(frames.has_answered(), position >= all[0].0.len() + HEADER);
            }
        }
    }

    #[test]
    fn the_goodbye_is_a_frame() {
        let mut frames = Frames::default();
        frames.note(&GOODBYE);
        assert!(frames.is_between_two() && !frames.has_answered());
    }
}
