//! Our own JSON Lines.

use std::io::BufRead;

use super::Records;

/// Reads the records.
pub fn records<'a>(_input: impl BufRead + Send + 'a) -> Records<'a> {
    Box::new(std::iter::empty())
}
