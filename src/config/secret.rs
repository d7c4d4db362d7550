//! Keeps passwords out of everything that is printed.

use std::ops::Range;

/// Stands where a secret was, of whatever kind.
pub(super) const MASK: &str = "***";

/// Masks the password of a URL, and parameters that hold one, for printing.
///
/// The text may come from a mistaken hand, so this errs towards masking: everything between the first
/// colon of what follows the scheme and the *last* `@` is taken for the password, whatever it contains,
/// and so is the value of every `password=…` and its like, whether in a query string or among the
/// `key=value` words of libpq.
pub fn mask_password(text: &str) -> String {
    let mut secrets: Vec<Range<usize>> = parameter_values(text).collect();
    secrets.extend(user_info_password(text));
    secrets.sort_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets {
        if secret.start >= done {
            shown.push_str(&text[done..secret.start]);
            shown.push_str(MASK);
        }
        done = done.max(secret.end);
    }
    shown + &text[done..]
}

fn user_info_password(text: &str) -> Option<Range<usize>> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let start = match text.split_once("://") {
        Some((scheme, _)) if !scheme.is_empty() && scheme.chars().all(is_scheme) => {
            scheme.len() + "://".len()
        }
        // What looks like the end of a scheme may as well be part of a password.
        _ => 0,
    };
    let end = text.rfind('@').filter(|at| *at >= start)?;
    let colon = text[start..end].find(':')?;
    Some(start + colon + 1..end)
}

fn parameter_values(text: &str) -> impl Iterator<Item = Range<usize>> {
    let separates = |c: char| c == '?' || c == '&' || c.is_whitespace();
    let mut start = 0;
    text.split_inclusive(separates).filter_map(move |word| {
        let begin = start;
        start += word.len();
        let word = word.trim_end_matches(separates);
        let (key, _) = word
            .split_once('=')
            .filter(|(key, _)| names_a_secret(key))?;
        Some(begin + key.len() + 1..begin + word.len())
    })
}

fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "secret", "token"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_password_is_masked() {
        for (url, shown) in [
            (
                "postgres://shop:s3cret@db:5432/shop",
                "postgres://shop:***@db:5432/shop",
            ),
            ("postgres://shop@db/shop", "postgres://shop@db/shop"),
            ("postgres://db:5432/shop", "postgres://db:5432/shop"),
            ("redis://:s3cret@cache:6379/0", "redis://:***@cache:6379/0"),
            ("shop:s3cret@db/shop", "shop:***@db/shop"),
            (
                "postgres://db/shop?sslmode=require&password=s3cret&user=shop",
                "postgres://db/shop?sslmode=require&password=***&user=shop",
            ),
            (
                "host=db password=s3cret user=shop",
                "host=db password=*** user=shop",
            ),
            (
                "postgres://shop:s3/cr@et@db/shop",
                "postgres://shop:***@db/shop",
            ),
            ("postgres://db:5432/shop?password=a@b", "postgres://db:***"),
            ("", ""),
        ] {
            assert_eq!(mask_password(url), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(
            scheme in "(postgres://|rediss://|)",
            user in "[a-z]{0,8}",
            password in "[A-Z0-9:/@?#%! -]{4,20}",
            host in "[a-z.]{1,12}",
        ) {
            // Without a scheme, `user://…@host` cannot be told from a URL that has one.
            prop_assume!(!(scheme.is_empty() && !user.is_empty() && password.starts_with("//")));
            let shown = mask_password(&format!("{scheme}{user}:{password}@{host}"));
            prop_assert_eq!(shown, format!("{scheme}{user}:***@{host}"));
        }

        #[test]
        fn no_password_parameter_survives(password in "[A-Z0-9:/@#%!-]{4,20}") {
            let shown = mask_password(&format!("postgres://db/shop?password={password}"));
            prop_assert!(!shown.contains(&password), "{}", shown);
        }
    }
}
