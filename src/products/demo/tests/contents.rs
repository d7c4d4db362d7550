//! Each product on its own: options, money, weights, pictures, reviews and dates.

use std::collections::HashSet;

use super::{demo, title, variants};
use crate::products::demo::products;
use crate::products::demo::vocabulary::KINDS;
use crate::products::input::ProductInput;

#[test]
fn variants_are_the_combinations_of_the_options() {
    for product in demo() {
        let options = product.options.as_ref().unwrap();
        assert!(options.len() <= 3);
        let names: HashSet<&str> = options.iter().map(|option| option.name.as_str()).collect();
        assert_eq!(names.len(), options.len());
        let mut combinations = HashSet::new();
        for variant in variants(&product) {
            assert_eq!(variant.option_values.len(), options.len());
            for (value, option) in variant.option_values.iter().zip(options) {
                assert!(option.values.contains(value), "{}", product.handle);
            }
            assert!(combinations.insert(&variant.option_values));
        }
        let product_of_counts: usize = options.iter().map(|option| option.values.len()).product();
        assert_eq!(combinations.len(), product_of_counts);
        assert!((1..=12).contains(&combinations.len()));
    }
}

#[test]
fn barcodes_are_valid_in_store_numbers() {
    for product in demo() {
        for variant in variants(&product) {
            let barcode = variant.barcode.as_deref().unwrap();
            assert_eq!(barcode.len(), 13);
            assert!((200..=299).contains(&barcode[..3].parse::<u32>().unwrap()));
            let digits: Vec<u32> = barcode
                .chars()
                .map(|digit| digit.to_digit(10).unwrap())
                .collect();
            let odd: u32 = digits.iter().step_by(2).sum();
            let even: u32 = digits.iter().skip(1).step_by(2).sum();
            assert_eq!((odd + 3 * even) % 10, 0, "{barcode}");
        }
    }
}

#[test]
fn money_makes_sense() {
    for product in demo() {
        let currency = variants(&product)[0].price.unwrap().currency;
        for variant in variants(&product) {
            let price = variant.price.unwrap();
            assert_eq!(price.currency, currency, "one currency per product");
            let cost = variant.cost_minor.flatten().unwrap();
            assert!(0 < cost && cost < price.minor, "{}", product.handle);
            if let Some(former) = variant.compare_at_minor.flatten() {
                assert!(former > price.minor && former < price.minor * 2);
            }
        }
        let tagged = product.tags.as_ref().unwrap().contains(&"sale".to_owned());
        let marked_down = variants(&product)
            .iter()
            .any(|variant| matches!(variant.compare_at_minor, Some(Some(_))));
        assert_eq!(tagged, marked_down);
    }
}

#[test]
fn weights_stay_near_the_usual_ones_and_stock_is_never_negative() {
    for product in demo() {
        let noun = product.product_type.as_deref().unwrap();
        let (department, kind) = KINDS.iter().find(|(_, kind)| kind.noun == noun).unwrap();
        let grams: Vec<i64> = kind
            .axes
            .iter()
            .flat_map(|key| department.axes[key].grams.iter().copied())
            .collect();
        let (low, high) = match (grams.iter().min(), grams.iter().max()) {
            (Some(least), Some(most)) => (*least, *most),
            _ => kind.weight,
        };
        for variant in variants(&product) {
            let weight = variant.weight_g.flatten().unwrap();
            assert!(
                weight * 7 >= low && weight <= high * 6,
                "{} weighs {weight} g",
                title(&product)
            );
            let reserved = variant.reserved.unwrap_or(0);
            assert!(reserved >= 0 && variant.on_hand.unwrap_or(0) >= reserved);
        }
    }
}

#[test]
fn a_value_that_is_a_weight_weighs_about_that() {
    let mut seen = 0;
    for product in demo() {
        for variant in variants(&product) {
            for value in &variant.option_values {
                let grams = match value.split_once(' ') {
                    Some((number, "g")) => number.parse::<i64>().ok(),
                    Some((number, "kg")) => number.parse::<i64>().ok().map(|kg| kg * 1000),
                    _ => None,
                };
                if let Some(grams) = grams {
                    seen += 1;
                    let weight = variant.weight_g.flatten().unwrap();
                    assert!(
                        weight > grams,
                        "{}: {value} weighs {weight} g",
                        title(&product)
                    );
                    assert!(weight < grams * 2 + 60);
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn pictures_are_named_after_the_product() {
    for product in demo() {
        let images = product.images.as_ref().unwrap();
        assert!((1..=6).contains(&images.len()));
        let mut texts = HashSet::new();
        for (image, position) in images.iter().zip(1..) {
            assert_eq!(
                image.url,
                format!("/demo/images/{}-{position}.svg", product.handle)
            );
            assert!(image.alt.starts_with(title(&product)));
            assert!(texts.insert(&image.alt), "{}", image.alt);
            assert!(
                [(800, 600), (1200, 1200)].contains(&(image.width.unwrap(), image.height.unwrap()))
            );
        }
        for variant in variants(&product) {
            let Some(image) = variant.image else { continue };
            let shown = &images[image].alt;
            let colour = variant
                .option_values
                .iter()
                .find(|value| shown.ends_with(&format!(" in {value}")));
            assert!(colour.is_some(), "{shown}: {:?}", variant.option_values);
        }
    }
}

#[test]
fn ratings_contain_the_published_reviews() {
    let mut counts = HashSet::new();
    for product in demo() {
        let reviews = product.reviews.as_ref().unwrap();
        assert!(reviews.len() <= 12);
        counts.insert(reviews.len());
        let published: Vec<i64> = reviews
            .iter()
            .filter(|review| review.status == "published")
            .map(|review| review.rating)
            .collect();
        let rating = product.rating.unwrap();
        let silent_count = rating.count - i64::try_from(published.len()).unwrap();
        let silent_sum = rating.sum - published.iter().sum::<i64>();
        assert!(silent_count >= 0);
        assert!((silent_count..=5 * silent_count).contains(&silent_sum));
        let bodies: HashSet<&str> = reviews.iter().map(|review| review.body.as_str()).collect();
        assert_eq!(bodies.len(), reviews.len(), "{}", product.handle);
        for review in reviews {
            assert!((1..=5).contains(&review.rating));
            assert!(!review.body.is_empty() && !review.author.is_empty());
        }
    }
    assert!(counts.len() >= 12, "{counts:?}");
}

#[test]
fn time_runs_forward_and_ends_before_2026() {
    for product in demo() {
        let created = product.created_at.clone().unwrap();
        let updated = product.updated_at.clone().unwrap();
        let published = product.published_at.clone();
        assert_eq!(published.is_some(), product.published == Some(true));
        assert_eq!(product.version, None);
        assert!(*"2021" < *created && created <= updated && *updated < *"2026");
        if let Some(published) = published {
            assert!(created < published && published <= updated);
        }
        let mut last = created;
        for review in product.reviews.unwrap() {
            let moment = review.created_at.unwrap();
            assert_eq!(moment.len(), "2024-01-01T00:00:00.000Z".len());
            assert!(last <= moment && *moment < *"2026");
            last = moment;
        }
    }
}

#[test]
fn every_text_is_filled_in() {
    let complete =
        |text: &str| !text.is_empty() && !text.contains(['{', '}']) && !text.contains("  ");
    for product in products(1000) {
        let description = product.description_html.clone().unwrap();
        assert!(complete(&description), "{description}");
        assert!(description.starts_with("<p>") && description.ends_with("</p>"));
        let entities = description.matches("&amp;").count();
        assert_eq!(description.matches('&').count(), entities);
        for text in [&product.seo_title, &product.seo_description]
            .into_iter()
            .flatten()
        {
            assert!(complete(text) && text.chars().count() <= 160, "{text}");
        }
        assert!(complete(title(&product)));
        assert!(complete(product.vendor.as_deref().unwrap()));
        assert!(!product.attributes.as_ref().unwrap().is_empty());
        let tags = product.tags.as_ref().unwrap();
        assert_eq!(tags.iter().collect::<HashSet<_>>().len(), tags.len());
        assert!(stars_fit(&product));
    }
}

/// Good ratings come without "returned", bad ones without "excellent".
fn stars_fit(product: &ProductInput) -> bool {
    product.reviews.iter().flatten().all(|review| {
        let text = format!("{} {}", review.title, review.body).to_lowercase();
        let (praises, scolds) = (
            ["excellent", "love it", "perfect gift"],
            ["sent it back", "returned it", "sorry, but no"],
        );
        match review.rating {
            5 => scolds.iter().all(|word| !text.contains(word)),
            1 => praises.iter().all(|word| !text.contains(word)),
            _ => true,
        }
    })
}
