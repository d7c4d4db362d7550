//! Who a product is: its kind, series, style, title and handle, all without looking at any other product.

use super::prose::fill;
use super::random::{Concern, Random};
use super::vocabulary::{Department, KINDS, Kind, Style};

/// Steps from one product of a kind to the next through all pairs of series and style. Prime, and no
/// divisor of any number of pairs, so that every pair comes once before any comes twice.
const STRIDE: usize = 37;

/// What tells a product from all others.
pub(super) struct Identity {
    pub(super) number: usize,
    pub(super) department: &'static Department,
    pub(super) kind: &'static Kind,
    /// Index into [`KINDS`].
    pub(super) kind_index: usize,
    pub(super) series: &'static str,
    pub(super) style: &'static Style,
    pub(super) vendor: &'static str,
    pub(super) title: String,
    pub(super) handle: String,
}

impl Identity {
    /// Products come in rounds: each round has one product of every kind, in an order of its own. The
    /// round picks the pair of series and style within the kind; once all pairs are used, titles go on
    /// as `… Mark 2`. Titles are therefore unique for any number of products.
    pub(super) fn of(number: usize) -> Self {
        let (round, seat) = ((number - 1) / KINDS.len(), (number - 1) % KINDS.len());
        let mut order: Vec<usize> = (0..KINDS.len()).collect();
        Random::new(Concern::Kind, round).shuffle(&mut order);
        let kind_index = order[seat];
        let (department, kind) = KINDS[kind_index];

        let pairs = department.series.len() * kind.styles.len();
        let pair = (kind_index + round * STRIDE) % pairs;
        let series_index = pair % department.series.len();
        let series = department.series[series_index].as_str();
        let style = &kind.styles[pair / department.series.len()];
        let mut title = fill(
            &kind.title,
            &[
                ("series", series),
                ("style", &style.word),
                ("noun", &kind.noun),
            ],
        );
        if round >= pairs {
            title = format!("{title} Mark {}", round / pairs + 1);
        }
        Self {
            number,
            department,
            kind,
            kind_index,
            series,
            style,
            vendor: &department.brands[series_index % department.brands.len()],
            handle: slug(&title),
            title,
        }
    }

    /// Name of the attribute that says the style in words.
    pub(super) fn style_attribute(&self) -> &'static str {
        let own = self.kind.style_attribute.as_deref();
        own.unwrap_or(&self.department.style_attribute)
    }

    pub(super) fn openings(&self) -> &'static [String] {
        let own = self.kind.openings.as_deref();
        own.unwrap_or(&self.department.openings)
    }

    pub(super) fn closings(&self) -> &'static [String] {
        let own = self.kind.closings.as_deref();
        own.unwrap_or(&self.department.closings)
    }

    pub(super) fn views(&self) -> &'static [String] {
        let own = self.kind.views.as_deref();
        own.unwrap_or(&self.department.views)
    }

    pub(super) fn praise(&self) -> &'static [String] {
        let own = self.kind.praise.as_deref();
        own.unwrap_or(&self.department.praise)
    }

    pub(super) fn complaints(&self) -> &'static [String] {
        let own = self.kind.complaints.as_deref();
        own.unwrap_or(&self.department.complaints)
    }
}

/// Lower-case ASCII words joined by hyphens. Knows the accents of the vocabulary.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'é' => slug.push('e'),
            '\'' | '’' => {}
            _ if letter.is_ascii_alphanumeric() => slug.push(letter),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_clean() {
        assert_eq!(slug("Rosé & Za'atar:  A Novel!"), "rose-zaatar-a-novel");
        assert_eq!(slug(" -- "), "");
    }

    #[test]
    fn titles_outlast_the_pairs_of_series_and_style() {
        let far = Identity::of(KINDS.len() * 1000);
        assert!(far.title.contains(" Mark "), "{}", far.title);
    }
}
