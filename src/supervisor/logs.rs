//! Logs that do not grow without end.
//!
//! Workers write their files themselves and know nothing of rotation, so what is there is copied and the file emptied. What
//! is written between those two steps, some microseconds, is lost; in return no line passes through the supervisor, and
//! none is lost with it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Moves what is in a file to `FILE.1`, that to `FILE.2` and so on, if it is longer than `most` bytes. Keeps `keep` of
/// those.
pub(super) fn rotate(path: &Path, most: u64, keep: u32) -> io::Result<()> {
    if fs::metadata(path).map_or(0, |file| file.len()) <= most {
        return Ok(());
    }
    for number in (1..keep).rev() {
        let older = numbered(path, number);
        if older.exists() {
            fs::rename(older, numbered(path, number + 1))?;
        }
    }
    if keep > 0 {
        fs::copy(path, numbered(path, 1))?;
    }
    empty(path)
}

/// Removes what is in a file.
pub(super) fn empty(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(0)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The last lines that were written to a file since it had this length.
pub(super) fn written_since(path: &Path, length: u64) -> Vec<String> {
    const MOST: usize = 5;

    let text = fs::read(path).unwrap_or_default();
    let start = usize::try_from(length).unwrap_or(0).min(text.len());
    let text = String::from_utf8_lossy(&text[start..]);
    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    let last = lines.len().saturating_sub(MOST);
    lines[last..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_long_file_is_moved_on_and_its_writer_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.log");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        for round in 1..=4 {
            writeln!(file, "round {round}").unwrap();
            rotate(&path, 100, 2).unwrap();
            assert_eq!(read(&path), format!("round {round}\n"));
            rotate(&path, 3, 2).unwrap();
            assert_eq!(read(&path), "");
        }
        assert_eq!(read(&numbered(&path, 1)), "round 4\n");
        assert_eq!(read(&numbered(&path, 2)), "round 3\n");
        assert!(!numbered(&path, 3).exists());
    }
}
