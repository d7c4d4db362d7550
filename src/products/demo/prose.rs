//! Texts: descriptions, tags and what search engines see.

use super::identity::{Identity, slug};
use super::random::{Concern, Random};

/// Search engines cut titles about here.
const SEO_TITLE_CHARACTERS: usize = 70;
/// Search engines cut descriptions about here.
const SEO_DESCRIPTION_CHARACTERS: usize = 160;

/// Replaces each `{slot}` by its text.
pub(super) fn fill(template: &str, slots: &[(&str, &str)]) -> String {
    slots
        .iter()
        .fold(template.to_owned(), |text, (slot, value)| {
            text.replace(&format!("{{{slot}}}"), value)
        })
}

/// An opening, a list of two to four features and a closing.
pub(super) fn description_html(identity: &Identity) -> String {
    let mut random = Random::new(Concern::Prose, identity.number);
    let opening = phrase(identity, random.pick::<String>(identity.openings()));
    let count = random.between(2, 4).unsigned_abs();
    let features: String = features(identity)
        .zip(0..count)
        .flat_map(|(feature, _)| ["<li>".to_owned(), escape(&feature), "</li>".to_owned()])
        .collect();
    let closing = phrase(identity, random.pick::<String>(identity.closings()));
    format!(
        "<p>{}</p><ul>{features}</ul><p>{}</p>",
        escape(&opening),
        escape(&closing)
    )
}

/// Department, category and style as words to filter by, then the flags that are up.
pub(super) fn tags(identity: &Identity, flags: &[(&str, bool)]) -> Vec<String> {
    let words = [
        slug(&identity.department.name),
        slug(&identity.kind.noun),
        slug(&identity.style.word),
    ];
    let flags = flags.iter().filter(|(_, up)| *up);
    let mut tags = Vec::new();
    for tag in words
        .into_iter()
        .chain(flags.map(|(flag, _)| (*flag).to_owned()))
    {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Title and brand where they fit. A third of all products leave it to the page.
pub(super) fn seo_title(identity: &Identity) -> Option<String> {
    let text = format!("{} | {}", identity.title, identity.vendor);
    (has_seo(identity) && text.chars().count() <= SEO_TITLE_CHARACTERS).then_some(text)
}

/// Title, brand and as many features as fit. Present on the products that have a title for search
/// engines.
pub(super) fn seo_description(identity: &Identity) -> Option<String> {
    let mut text = format!("{} by {}.", identity.title, identity.vendor);
    for feature in features(identity).take(3) {
        if text.chars().count() + feature.chars().count() + 2 <= SEO_DESCRIPTION_CHARACTERS {
            text = format!("{text} {feature}.");
        }
    }
    has_seo(identity).then_some(text)
}

/// `a hemp and cotton blend` as a value of its own: `hemp and cotton blend`.
pub(super) fn without_article(phrase: &str) -> &str {
    ["a ", "an "]
        .into_iter()
        .find_map(|article| phrase.strip_prefix(article))
        .unwrap_or(phrase)
}

fn has_seo(identity: &Identity) -> bool {
    Random::new(Concern::SearchEngines, identity.number).chance(67)
}

/// The kind's features in the product's own order.
fn features(identity: &Identity) -> impl Iterator<Item = String> + '_ {
    let mut order: Vec<&String> = identity.kind.features.iter().collect();
    Random::new(Concern::Features, identity.number).shuffle(&mut order);
    order.into_iter().map(|feature| phrase(identity, feature))
}

fn phrase(identity: &Identity, template: &str) -> String {
    let plain = &identity.style.phrase;
    fill(
        template,
        &[
            ("title", &identity.title),
            ("series", identity.series),
            ("vendor", identity.vendor),
            ("phrase", plain),
            ("phrase_capital", &capitalised(plain)),
        ],
    )
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_and_markup_is_escaped() {
        assert_eq!(
            fill("{a} and {b}, {a}", &[("a", "x"), ("b", "y")]),
            "x and y, x"
        );
        assert_eq!(escape("Pip & Otter <3"), "Pip &amp; Otter &lt;3");
        assert_eq!(capitalised("élan"), "Élan");
        assert_eq!(without_article("a hemp blend"), "hemp blend");
        assert_eq!(without_article("aluminium"), "aluminium");
    }
}
