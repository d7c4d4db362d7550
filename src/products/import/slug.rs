//! Handles made from titles and ids.

/// Lower-case words joined by hyphens: `Crème Brûlée, 2×` becomes `creme-brulee-2`. Accented Latin
/// letters lose their accents; letters and digits of other scripts are kept. Empty where the text has
/// neither letter nor digit.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        if matches!(character, '\'' | '’') || is_combining(character) {
            continue;
        }
        match ascii(character) {
            Some(letters) => slug.push_str(letters),
            None if character.is_alphanumeric() => slug.push(character),
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Accents written as characters of their own, as macOS writes file names.
fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// Lower-case letters of the Latin-1 and Latin Extended-A blocks in ASCII.
fn ascii(character: char) -> Option<&'static str> {
    Some(match character {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĳ' => "ij",
        'ĵ' => "j",
        'ķ' | 'ĸ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŉ' | 'ŋ' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn titles_become_handles() {
        assert_eq!(slug("Crème Brûlée, 2×"), "creme-brulee-2");
        assert_eq!(slug("  Men's — Straße & Łódź "), "mens-strasse-lodz");
        assert_eq!(slug("Cafe\u{301}"), "cafe");
        assert_eq!(slug("抹茶 Set"), "抹茶-set");
        assert_eq!(slug("🎁 !"), "");
    }

    proptest! {
        #[test]
        fn a_slug_is_its_own_slug(text in "\\PC{0,40}") {
            let once = slug(&text);
            prop_assert!(!once.starts_with('-') && !once.ends_with('-') && !once.contains("--"));
            prop_assert_eq!(slug(&once), once);
        }
    }
}
