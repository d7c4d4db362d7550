//! `[flags]`: what may be switched while the program runs, and what it switches by itself.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::value::Value;
use crate::flags::Feature;
use crate::flags::pressure::DEFAULT_LADDER;

/// Where an operator's word is looked for besides the database, and what is given up under pressure.
#[derive(Debug, Clone)]
pub struct FlagsConfig {
    /// The file, in flagd's format; need not be there.
    pub file: PathBuf,
    /// Features that are given up under pressure, the first one first; none where it is empty.
    pub ladder: Vec<Feature>,
}

/// A rung, or the word for none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rung(Option<Feature>);

impl Value for Rung {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let rungs = DEFAULT_LADDER.map(Feature::name).join(", ");
        let feature = Feature::by_name(text);
        feature
            .filter(|feature| *feature != Feature::Writes)
            .map(|feature| Self(Some(feature)))
            .ok_or_else(|| {
                format!("no feature that can be given up; write none, or some of include, {rungs}")
            })
    }

    fn show(&self) -> String {
        self.0.map_or("none", Feature::name).to_owned()
    }
}

impl FlagsConfig {
    pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let mut section = reader.section("flags");
        let file = section.value(
            "file",
            data_dir.join("flags.json"),
            "flags of this machine, above those of the database; read when it changes",
        );
        let ladder = section.list(
            "ladder",
            DEFAULT_LADDER.map(|feature| Rung(Some(feature))).to_vec(),
            "features given up under pressure, the first one first; none gives up nothing",
        );
        let repeats = (1..ladder.len()).any(|index| ladder[..index].contains(&ladder[index]));
        reader.require(
            !repeats,
            "flags.ladder",
            "names a feature twice; leave one of them out",
        );
        reader.require(
            ladder.len() == 1 || !ladder.contains(&Rung(None)),
            "flags.ladder",
            "has none among features; write it alone",
        );
        Self {
            file,
            ladder: ladder.into_iter().filter_map(|rung| rung.0).collect(),
        }
    }
}
