//! What is seen of a catalogue: everything but the ids and times that nobody said.

use std::collections::BTreeMap;

use doorbuster::cache::{Absence, Intent};
use doorbuster::products::cursor::PageRequest;
use doorbuster::products::input::ProductInput;
use doorbuster::products::listing::{Listing, Sort};
use serde_json::Value;

use super::catalogue::Catalogue;
use super::generate::{Names, TIMES};

/// By what it is and whose.
pub(super) type Seen = BTreeMap<String, String>;

/// Everything of one case.
pub(super) fn all(catalogue: &Catalogue, names: &Names) -> Seen {
    let mut seen = Seen::new();
    let mut handles = BTreeMap::new();
    for handle in names.handles() {
        let Some(id) = catalogue.id(&handle) else {
            continue;
        };
        seen.insert(format!("document of {handle}"), document(catalogue, id));
        let ids = [id, 0];
        let stocks = catalogue.read(|store| store.stocks(&ids));
        let [stock, None] = &stocks[..] else {
            panic!("there is no product 0: {stocks:?}")
        };
        seen.insert(
            format!("stock of {handle}"),
            stock
                .as_ref()
                .map_or("none".to_owned(), |stock| nameless(stock)),
        );
        let page = PageRequest {
            after: None,
            limit: 10,
        };
        let reviews = catalogue.read(|store| store.reviews(id, page));
        let reviews = reviews.map(|page| page.items.iter().map(|it| nameless(it)).collect());
        let mut reviews: Vec<String> = reviews.unwrap_or_default();
        // At the same time they come in order of their ids.
        reviews.sort();
        seen.insert(format!("reviews of {handle}"), reviews.join("\n"));
        handles.insert(id, handle);
    }
    let exported = |product: ProductInput| {
        if let Some(handle) = product.id.and_then(|id| handles.get(&id)) {
            let product = format!("{:?}", told(product, names));
            seen.insert(format!("export of {handle}"), product);
        }
        true
    };
    let mut exported = exported;
    catalogue.store.for_each_product(&mut exported).unwrap();
    for (name, listing) in lists() {
        let listed = list(catalogue, &listing);
        let listed = listed.iter().filter_map(|id| handles.get(id).cloned());
        seen.insert(
            format!("list of {name}"),
            listed.collect::<Vec<_>>().join(" "),
        );
    }
    let categories = catalogue.read(|store| store.categories());
    seen.insert("categories".to_owned(), format!("{categories:?}"));
    let mut changes: Vec<String> = catalogue
        .changes()
        .into_iter()
        .map(|(id, version)| {
            let handle = handles.get(&id).map_or("another", String::as_str);
            format!("{handle} {version}")
        })
        .collect();
    changes.sort();
    seen.insert("versions made".to_owned(), changes.join("\n"));
    seen
}

fn document(catalogue: &Catalogue, id: i64) -> String {
    let ids = [id];
    let document = catalogue.read(|store| store.documents(&ids, Intent::Any));
    let document = document.into_iter().next().flatten().unwrap();
    let shown = match document.document {
        Ok(document) => {
            let text = String::from_utf8(document.to_vec()).unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap().to_string(),
                text,
                "compact"
            );
            nameless(&text)
        }
        Err(Absence::Removed) => "removed".to_owned(),
        Err(Absence::Unknown) => "unknown".to_owned(),
    };
    format!("{} {shown}", document.version)
}

/// JSON without ids and with the times that were said alone.
fn nameless(json: &str) -> String {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match (key.as_str(), &value) {
                        ("id" | "variant_id" | "product_id", _) => *value = Value::Null,
                        (_, Value::String(time)) if is_unsaid_time(time) => {
                            *value = "now".into();
                        }
                        _ => forget(value),
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(forget),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(json).unwrap();
    forget(&mut value);
    value.to_string()
}

fn is_unsaid_time(text: &str) -> bool {
    text.len() == TIMES[0].len()
        && text.starts_with("20")
        && text.ends_with('Z')
        && !TIMES.contains(&text)
}

/// The product without ids that nobody said and with the times that were said alone.
fn told(mut product: ProductInput, names: &Names) -> ProductInput {
    product.id = product.id.filter(|id| names.is_said(*id));
    for variant in product.variants.iter_mut().flatten() {
        variant.id = variant.id.filter(|id| names.is_said(*id));
    }
    let reviews = product.reviews.iter_mut().flatten();
    let times = [
        &mut product.created_at,
        &mut product.updated_at,
        &mut product.published_at,
    ];
    let times = times
        .into_iter()
        .chain(reviews.map(|it| &mut it.created_at));
    for time in times.flatten() {
        if is_unsaid_time(time) {
            "now".clone_into(time);
        }
    }
    product
}

fn lists() -> Vec<(&'static str, Listing)> {
    let by_title = || Listing {
        sort: Sort::Title,
        ..Listing::default()
    };
    vec![
        ("everything", by_title()),
        (
            "a vendor",
            Listing {
                vendor: Some("v1".to_owned()),
                ..by_title()
            },
        ),
        (
            "a category",
            Listing {
                category: Some("A".to_owned()),
                ..by_title()
            },
        ),
        (
            "tags",
            Listing {
                tags: vec![
                    vec!["t1".to_owned(), "t,\"3\\".to_owned()],
                    vec!["t2".to_owned()],
                ],
                ..by_title()
            },
        ),
        (
            "a price",
            Listing {
                currency: Some("EUR".to_owned()),
                price_min: Some(2),
                ..by_title()
            },
        ),
        (
            "what can be had",
            Listing {
                availability: vec!["in_stock".to_owned(), "low_stock".to_owned()],
                ..by_title()
            },
        ),
    ]
}

/// All pages of a list.
fn list(catalogue: &Catalogue, listing: &Listing) -> Vec<i64> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { after, limit: 50 };
        let page = catalogue.read(|store| store.list(listing.clone(), page));
        all.extend(page.items);
        match page.next {
            None => return all,
            next => after = next,
        }
    }
}
