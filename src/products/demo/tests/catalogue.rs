//! The shop as a whole: numbers, uniqueness, links, and how often things happen.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{availability, demo, title, variants};
use crate::products::demo::products;
use crate::products::demo::vocabulary::KINDS;
use crate::products::input::{InventoryPolicy, ProductInput, Status};

fn is_public(product: &ProductInput) -> bool {
    product.status == Some(Status::Active) && product.published == Some(true)
}

fn share(products: &[ProductInput], holds: impl Fn(&ProductInput) -> bool) -> usize {
    products.iter().filter(|product| holds(product)).count()
}

#[test]
fn ids_count_from_one() {
    let ids: Vec<i64> = demo().iter().filter_map(|product| product.id).collect();
    assert_eq!(ids, (1..=1000).collect::<Vec<i64>>());
}

#[test]
fn nothing_is_there_twice_even_in_five_times_the_shop() {
    let all: Vec<_> = products(5000).collect();
    assert_eq!(all.len(), 5000);
    let mut seen = HashSet::new();
    for product in &all {
        let handle = product.handle.clone();
        let handle_is_clean = handle
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(handle_is_clean, "{handle}");
        assert_eq!(handle, handle.to_lowercase());
        assert!(seen.insert(("handle", handle.clone())), "{handle}");
        assert!(
            seen.insert(("title", title(product).to_lowercase())),
            "{handle}"
        );
        for variant in variants(product) {
            for (field, value) in [("sku", &variant.sku), ("barcode", &variant.barcode)] {
                let value = value.clone().unwrap();
                assert!(seen.insert((field, value)), "{handle}");
            }
        }
    }
}

#[test]
fn a_larger_shop_begins_like_a_smaller_one() {
    assert_eq!(products(0).count(), 0);
    assert!(products(300).eq(products(1000).take(300)));
}

#[test]
fn every_department_and_kind_has_its_share() {
    let mut departments = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    for product in demo() {
        let category = product.category.clone().unwrap();
        let levels: Vec<&str> = category.split(" > ").collect();
        assert!((2..=3).contains(&levels.len()), "{category}");
        *departments.entry(levels[0].to_owned()).or_insert(0) += 1;
        *kinds.entry(product.product_type.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(departments.len(), 10);
    assert!(
        departments.values().all(|count| (96..=104).contains(count)),
        "{departments:?}"
    );
    assert_eq!(kinds.len(), KINDS.len());
    assert!(kinds.values().all(|count| (12..=13).contains(count)));
}

#[test]
fn relations_lead_to_other_public_products_that_fit() {
    let all = demo();
    let by_handle: HashMap<&str, &ProductInput> = all
        .iter()
        .map(|product| (product.handle.as_str(), product))
        .collect();
    let department = |product: &ProductInput| {
        let category = product.category.clone().unwrap();
        category.split(" > ").next().map(str::to_owned)
    };
    let mut kinds = BTreeMap::new();
    for product in &all {
        let relations = product.relations.as_ref().unwrap();
        let targets: HashSet<&str> = relations
            .iter()
            .map(|relation| relation.handle.as_str())
            .collect();
        assert_eq!(targets.len(), relations.len());
        assert!(!targets.contains(product.handle.as_str()));
        let noun = product.product_type.as_deref().unwrap();
        let (_, kind) = KINDS.iter().find(|(_, kind)| kind.noun == noun).unwrap();
        for relation in relations {
            *kinds.entry(relation.kind.as_str()).or_insert(0) += 1;
            let target = by_handle[relation.handle.as_str()];
            assert!(is_public(target));
            let target_noun = target.product_type.clone().unwrap();
            match relation.kind.as_str() {
                "related" => assert_eq!(department(target), department(product)),
                "accessory" => assert!(kind.accessories.contains(&target_noun)),
                "upsell" => {
                    assert_eq!(target_noun, noun);
                    let currency = |product| variants(product)[0].price.unwrap().currency;
                    assert_eq!(currency(target), currency(product));
                }
                other => panic!("unknown kind of relation {other}"),
            }
        }
    }
    assert!(all[100..].iter().all(|product| {
        let relations = product.relations.as_ref().unwrap();
        (2..=8).contains(&relations.len())
    }));
    assert!(kinds["related"] > 2000, "{kinds:?}");
    assert!(kinds["accessory"] > 500, "{kinds:?}");
    assert!(kinds["upsell"] > 100, "{kinds:?}");
}

#[test]
fn a_few_products_are_not_public_and_456_is() {
    let all = demo();
    assert!((20..=40).contains(&share(&all, |product| !is_public(product))));
    for status in [Status::Draft, Status::Archived] {
        assert!(share(&all, |product| product.status == Some(status)) > 0);
    }
    let hidden = |product: &ProductInput| {
        product.status == Some(Status::Active) && product.published == Some(false)
    };
    assert!(share(&all, hidden) > 0);
    assert!(is_public(&all[455]));
    assert!(variants(&all[455]).len() >= 3);
    assert!(all[455].images.as_ref().unwrap().len() >= 3);
    assert!(all[455].reviews.as_ref().unwrap().len() >= 3);
}

#[test]
fn stock_comes_in_all_states_and_both_policies() {
    let mut states = BTreeMap::new();
    let mut policies = BTreeMap::new();
    let mut untracked = 0;
    for product in demo() {
        for variant in variants(&product) {
            *states.entry(availability(variant)).or_insert(0) += 1;
            let policy = variant.inventory_policy.unwrap();
            *policies.entry(policy.as_str()).or_insert(0) += 1;
            untracked += usize::from(variant.inventory_tracked == Some(false));
        }
    }
    assert!(
        states["in_stock"] > 5 * states["low_stock"].max(states["out_of_stock"]),
        "{states:?}"
    );
    assert!(states["low_stock"] > 200, "{states:?}");
    assert!(states["out_of_stock"] > 200, "{states:?}");
    assert!(policies[InventoryPolicy::Continue.as_str()] > 200);
    assert!(policies[InventoryPolicy::Deny.as_str()] > 2000);
    assert!(untracked > 50);
}

#[test]
fn currencies_cover_every_number_of_decimals() {
    let mut currencies = BTreeMap::new();
    for product in demo() {
        let currency = variants(&product)[0].price.unwrap().currency;
        *currencies.entry(currency.code().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(
        currencies.keys().collect::<Vec<_>>(),
        ["EUR", "JPY", "KWD", "USD"]
    );
    assert!(currencies["USD"] > 700, "{currencies:?}");
    assert!(currencies["KWD"] > 15, "{currencies:?}");
}

#[test]
fn sizes_of_the_assortment_vary() {
    let all = demo();
    let counts: HashSet<usize> = all.iter().map(|product| variants(product).len()).collect();
    assert!(counts.contains(&1) && counts.contains(&12), "{counts:?}");
    let options: HashSet<usize> = all
        .iter()
        .map(|product| product.options.as_ref().unwrap().len())
        .collect();
    assert_eq!(options, HashSet::from([0, 1, 2, 3]));
    let on_sale = share(&all, |product| {
        matches!(variants(product)[0].compare_at_minor, Some(Some(_)))
    });
    assert!((120..240).contains(&on_sale), "{on_sale}");
}

#[test]
fn descriptions_differ() {
    let descriptions: HashSet<String> = demo()
        .into_iter()
        .filter_map(|product| product.description_html)
        .collect();
    assert!(descriptions.len() >= 995, "{}", descriptions.len());
}
