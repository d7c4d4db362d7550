//! What the titles of a group share, and what tells its items apart.

/// The words with which all titles begin, without what joins them to the rest.
pub(super) fn shared<'a>(titles: &[&'a str]) -> &'a str {
    let Some((first, others)) = titles.split_first() else {
        return "";
    };
    let shared = others.iter().fold(*first, |shared, title| {
        let length: usize = shared
            .split_inclusive(' ')
            .zip(title.split_inclusive(' '))
            .take_while(|(one, other)| one.trim_end() == other.trim_end())
            .map(|(one, _)| one.len())
            .sum();
        &shared[..length]
    });
    shared.trim_end_matches(is_joint)
}

/// A title after the words that it shares, without what joins them.
pub(super) fn rest(title: &str) -> &str {
    let rest = title.trim_start_matches(is_joint).trim_end();
    match rest.strip_suffix(')') {
        Some(inner) if !inner.contains('(') => inner,
        _ => rest,
    }
}

fn is_joint(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '–' | '—' | '|' | '/' | ',' | ':' | '(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_cut_between_words() {
        let titles = ["Linen Shirt - Blue / S", "Linen Shirt - Blue / M"];
        let found = shared(&titles);
        assert_eq!(found, "Linen Shirt - Blue");
        assert_eq!(titles.map(|title| rest(&title[found.len()..])), ["S", "M"]);
        assert_eq!(rest(" (Large)"), "Large");
        assert_eq!(rest(" - Large (EU)"), "Large (EU)");
        assert_eq!(shared(&["Blue Shirt", "Bluebell"]), "");
        assert_eq!(shared(&[]), "");
        assert_eq!(shared(&["Tee", "Tee"]), "Tee");
    }
}
