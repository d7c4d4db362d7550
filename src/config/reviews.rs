//! `[reviews]`: what customers may write, and who decides.

use super::reader::Reader;

/// Rules for reviews.
#[derive(Debug, Clone)]
pub struct ReviewsConfig {
    /// Whether a person decides on every review that the rules let through.
    pub hold: bool,
    /// Shortest body, in characters.
    pub shortest: u32,
    /// Most links.
    pub links: u32,
    /// Words that no review has.
    pub words: Vec<String>,
}

impl ReviewsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("reviews");
        Self {
            hold: section.value(
                "hold",
                false,
                "whether reviews that pass the rules wait for a person to publish them",
            ),
            shortest: section.value(
                "shortest",
                10,
                "characters that the body of a review has at least",
            ),
            links: section.value("links", 0, "links that a review may have"),
            words: section.optional_list(
                "words",
                "words that no review may have, whatever their case and accents",
            ),
        }
    }
}
