//! Filling the tiers before readers come: with what was read most before the last stop, or with what somebody names. Lists
//! have keys alone: each is loaded as for a reader, so nothing old can come in by it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until, timeout};
use xxhash_rust::xxh3::xxh3_64;

use super::l1::Weigh;
use super::l2::L2Key;
use super::read_through::ReadThrough;
use crate::limits::overload::context::{self, Context};

/// The first word of the list, and its format.
const TITLE: &str = "hot-keys 1";

/// How much is loaded at once, and how fast at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many keys,
    at_once: usize,
    /// so often, at most.
    period: Duration,
}

impl Pace {
    /// Before there are readers: ten thousand a second.
    pub const QUICK: Self = Self {
        at_once: 50,
        period: Duration::from_millis(5),
    };
    /// Beside readers: two thousand a second, in steps that are shorter than a reader would notice.
    pub const GENTLE: Self = Self {
        at_once: 10,
        period: Duration::from_millis(5),
    };
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warmed {
    /// Keys that were loaded, or known to have nothing.
    pub loaded: usize,
    /// Keys that were not.
    pub failed: usize,
    /// Whether time was up before the list.
    pub is_late: bool,
}

/// Loads keys as readers would, in order, for no longer than this; all readers go first. Dropping it is safe.
pub async fn warm<K, V>(
    cache: &ReadThrough<K, V>,
    keys: &[K],
    pace: Pace,
    limit: Duration,
) -> Warmed
where
    K: L2Key,
    V: Clone + Weigh + Send + Sync + 'static,
{
    let mut warmed = Warmed::default();
    let work = async {
        let mut begin = Instant::now();
        for keys in keys.chunks(pace.at_once) {
            sleep_until(begin).await;
            begin += pace.period;
            for outcome in join_all(keys.iter().map(|key| cache.read(key))).await {
                match outcome {
                    Ok(_) => warmed.loaded += 1,
                    Err(_) => warmed.failed += 1,
                }
            }
        }
    };
    let work = context::scope(Context::BACKGROUND, work);
    let is_late = timeout(limit, work).await.is_err();
    Warmed { is_late, ..warmed }
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not as it was written.
    #[error("it is damaged")]
    Damaged,
}

/// Writes the list in one step: whoever reads it meanwhile, or after a crash, has the one before or this one.
pub fn write_list<K: L2Key>(path: &Path, keys: &[K]) -> Result<(), ListError> {
    let mut lines = String::new();
    for key in keys {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{}", key.to_text());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".hot-keys")
        .tempfile_in(folder)?;
    let sum = xxh3_64(lines.as_bytes());
    write!(file, "{TITLE} {sum:016x}\n{lines}")?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Reads at most `limit` keys of the list; none where there is no list.
pub fn read_list<K: L2Key>(path: &Path, limit: usize) -> Result<Vec<K>, ListError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(ListError::Damaged),
        text => text?,
    };
    let (title, lines) = text.split_once('\n').ok_or(ListError::Damaged)?;
    let expected = format!("{TITLE} {:016x}", xxh3_64(lines.as_bytes()));
    if title != expected {
        return Err(ListError::Damaged);
    }
    let keys = lines.lines().take(limit).map(K::from_text);
    keys.collect::<Option<_>>().ok_or(ListError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hot");
        assert_eq!(read_list::<i64>(&path, 9).unwrap(), [0; 0]);
        for keys in [vec![], vec![3, 1, -2], (0..20_000).collect()] {
            write_list(&path, &keys).unwrap();
            assert_eq!(read_list::<i64>(&path, 100_000).unwrap(), keys);
        }
        assert_eq!(read_list::<i64>(&path, 2).unwrap(), [0, 1]);
        let names = fs::read_dir(folder.path()).unwrap();
        assert_eq!(names.count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_list_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hot");
        write_list(&path, &[1_i64, 22, 333]).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            for bytes in [&flipped[..], &whole[..at]] {
                fs::write(&path, bytes).unwrap();
                let read = read_list::<i64>(&path, 9);
                assert!(
                    matches!(read, Err(ListError::Damaged)),
                    "byte {at}: {read:?}"
                );
            }
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(
            read_list::<i64>(&path, 9),
            Err(ListError::Damaged)
        ));
        // Whole, and no number.
        let lines = "x\n";
        let sum = xxh3_64(lines.as_bytes());
        fs::write(&path, format!("{TITLE} {sum:016x}\n{lines}")).unwrap();
        assert!(matches!(
            read_list::<i64>(&path, 9),
            Err(ListError::Damaged)
        ));
    }
}
