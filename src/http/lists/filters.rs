//! Filters and orders as a query says them.

use crate::http::problem::ApiError;
use crate::http::query::{Query, invalid};
use crate::products::import::timestamps;
use crate::products::listing::{AVAILABILITIES, Listing, Sort};
use crate::products::money::{Currency, MAX_MINOR};

/// Every parameter of `/products`.
pub(in crate::http) const PARAMETERS: [&str; 13] = [
    "ids",
    "category",
    "vendor",
    "product_type",
    "tag",
    "price_min",
    "price_max",
    "currency",
    "availability",
    "updated_since",
    "sort",
    "limit",
    "cursor",
];

/// Most `tag` parameters, each of which the store looks up by itself.
pub(in crate::http) const MAX_TAG_GROUPS: usize = 10;

/// Most words of one list.
pub(in crate::http) const MAX_WORDS: usize = 50;

pub(in crate::http) fn listing(query: &Query<'_>) -> Result<Listing, ApiError> {
    Ok(Listing {
        sort: word_for("sort", query, &Sort::ALL, Sort::word)?.unwrap_or_default(),
        ..filters(query)?
    })
}

/// The filters alone, in the order that is used where none is asked for.
pub(in crate::http) fn filters(query: &Query<'_>) -> Result<Listing, ApiError> {
    let text = |name| Ok::<_, ApiError>(query.text(name)?.map(str::to_owned));
    let listing = Listing {
        sort: Sort::default(),
        category: category(query)?,
        vendor: text("vendor")?,
        product_type: text("product_type")?,
        tags: tags(query)?,
        currency: currency(query)?,
        price_min: minor_units(query, "price_min")?,
        price_max: minor_units(query, "price_max")?,
        availability: availability(query)?,
        updated_since: updated_since(query)?,
    };
    let bounds = [
        ("price_min", listing.price_min),
        ("price_max", listing.price_max),
    ];
    for (name, bound) in bounds {
        if bound.is_some() && listing.currency.is_none() {
            let reason = "is an amount in no currency; name one, like currency=USD";
            return Err(invalid(name, reason));
        }
    }
    Ok(listing)
}

/// The one of `all` whose word a parameter gives.
pub(in crate::http) fn word_for<T: Copy>(
    name: &str,
    query: &Query<'_>,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Result<Option<T>, ApiError> {
    let Some(given) = query.one(name)? else {
        return Ok(None);
    };
    let known = all.iter().copied().find(|known| word(*known) == given);
    known.map(Some).ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|known| word(*known)).collect();
        not_a_word(name, given, &words)
    })
}

/// Levels apart as the catalogue keeps them.
fn category(query: &Query<'_>) -> Result<Option<String>, ApiError> {
    let Some(path) = query.text("category")? else {
        return Ok(None);
    };
    let levels: Vec<_> = path.split('>').map(str::trim).collect();
    if levels == [""] {
        return Err(invalid("category", "is blank; leave it out"));
    }
    Ok(Some(levels.join(" > ")))
}

/// Each parameter is a group of which one tag is enough. In one order, whatever the client's.
fn tags(query: &Query<'_>) -> Result<Vec<Vec<String>>, ApiError> {
    let mut groups = Vec::new();
    for group in query.all("tag") {
        groups.push(words("tag", group)?);
    }
    groups.sort();
    groups.dedup();
    if groups.len() > MAX_TAG_GROUPS {
        let reason = format!(
            "{} of them are more than {MAX_TAG_GROUPS}; ask for fewer",
            groups.len()
        );
        return Err(invalid("tag", reason));
    }
    Ok(groups)
}

fn availability(query: &Query<'_>) -> Result<Vec<String>, ApiError> {
    let Some(given) = query.one("availability")? else {
        return Ok(Vec::new());
    };
    let levels = words("availability", given)?;
    match levels
        .iter()
        .find(|level| !AVAILABILITIES.contains(&level.as_str()))
    {
        Some(unknown) => Err(not_a_word("availability", unknown, &AVAILABILITIES)),
        None => Ok(levels),
    }
}

/// Words separated by commas, sorted, each once.
fn words(name: &str, list: &str) -> Result<Vec<String>, ApiError> {
    let mut words: Vec<_> = list.split(',').map(str::to_owned).collect();
    if words.iter().any(String::is_empty) {
        let reason =
            format!("{list:?} has an empty word; write one, or several with commas between");
        return Err(invalid(name, reason));
    }
    words.sort();
    words.dedup();
    if words.len() > MAX_WORDS {
        let reason = format!(
            "{} words are more than {MAX_WORDS}; ask for fewer",
            words.len()
        );
        return Err(invalid(name, reason));
    }
    Ok(words)
}

fn currency(query: &Query<'_>) -> Result<Option<String>, ApiError> {
    let Some(code) = query.one("currency")? else {
        return Ok(None);
    };
    match Currency::parse(code) {
        Ok(currency) => Ok(Some(currency.code().to_owned())),
        Err(error) => Err(invalid("currency", format!("{code:?} is {error}"))),
    }
}

fn minor_units(query: &Query<'_>, name: &str) -> Result<Option<i64>, ApiError> {
    let Some(given) = query.one(name)? else {
        return Ok(None);
    };
    let digits = given.bytes().all(|byte| byte.is_ascii_digit());
    let amount: Option<i64> = digits.then(|| given.parse().ok()).flatten();
    let amount = amount.filter(|amount| *amount <= MAX_MINOR);
    amount.map(Some).ok_or_else(|| {
        let example = format!("write 19.99 USD as {name}=1999&currency=USD");
        invalid(
            name,
            format!("{given:?} is not an amount in minor units; {example}"),
        )
    })
}

fn updated_since(query: &Query<'_>) -> Result<Option<String>, ApiError> {
    let Some(given) = query.one("updated_since")? else {
        return Ok(None);
    };
    match timestamps::normalize(given) {
        Ok(time) => Ok(Some(time)),
        Err(error) => Err(invalid("updated_since", format!("{given:?} is {error}"))),
    }
}

fn not_a_word(name: &str, given: &str, known: &[&str]) -> ApiError {
    let reason = format!("{given:?} is not known; use one of {}", known.join(", "));
    invalid(name, reason)
}
