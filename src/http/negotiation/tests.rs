use proptest::prelude::*;

use super::*;

const BR: Representation = Some(Coding::Brotli);
const ZSTD: Representation = Some(Coding::Zstd);
const GZIP: Representation = Some(Coding::Gzip);
const IDENTITY: Representation = None;

fn ranked(values: &[&str]) -> Vec<Representation> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
    }
    Accepted::by(&headers).ranked().collect()
}

#[test]
fn the_header_means_what_the_rfc_says() {
    let all = vec![BR, ZSTD, GZIP, IDENTITY];
    for (value, expected) in [
        // Browsers, curl, and what stands between.
        ("gzip, deflate, br, zstd", all.clone()),
        ("gzip, deflate, br", vec![BR, GZIP, IDENTITY]),
        ("gzip", vec![GZIP, IDENTITY]),
        (
            "deflate, gzip;q=1.0, *;q=0.5",
            vec![GZIP, BR, ZSTD, IDENTITY],
        ),
        // Examples of RFC 9110 §12.5.3.
        ("compress, gzip", vec![GZIP, IDENTITY]),
        ("", vec![IDENTITY]),
        ("*", all.clone()),
        ("compress;q=0.5, gzip;q=1.0", vec![GZIP, IDENTITY]),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", vec![GZIP, IDENTITY]),
        // Qualities.
        ("br;q=0.001,gzip;q=0.002", vec![GZIP, BR, IDENTITY]),
        (
            "br;q=0.5,gzip;q=0.5,identity;q=0.6",
            vec![IDENTITY, BR, GZIP],
        ),
        ("br;q=0", vec![IDENTITY]),
        ("br;q=0.000, *", vec![ZSTD, GZIP, IDENTITY]),
        ("gzip;q=1.", vec![GZIP, IDENTITY]),
        // Refusals.
        ("identity;q=0", vec![]),
        ("*;q=0", vec![]),
        ("*;q=0, identity;q=0.1", vec![IDENTITY]),
        ("zstd, identity;q=0", vec![ZSTD]),
        ("*, identity;q=0", vec![BR, ZSTD, GZIP]),
        // Other spellings.
        ("X-GZip", vec![GZIP, IDENTITY]),
        ("BR ; Q=0.5 ,\tgZIP\t;\tq=0.4", vec![BR, GZIP, IDENTITY]),
        (", ,,br,", vec![BR, IDENTITY]),
        (
            "gzip;q=0.2, x-gzip;q=0.8, br;q=0.5",
            vec![GZIP, BR, IDENTITY],
        ),
        // What is not well-formed says nothing.
        ("gzip;q=2, br", vec![BR, IDENTITY]),
        ("gzip;q=1.001, br;q=0.1234, zstd;q=.5", vec![IDENTITY]),
        ("gzip;q=-1, br;q=, zstd;q", vec![IDENTITY]),
        ("gzip;level=9, br;q=1;q=1, zstd;q = 1", vec![IDENTITY]),
        ("gz ip, brotli, zstandard, \"gzip\"", vec![IDENTITY]),
        ("identity;q=zero, gzip", vec![GZIP, IDENTITY]),
        ("gzip;q=0.5a, br;q=0,5", vec![IDENTITY]),
    ] {
        assert_eq!(ranked(&[value]), expected, "{value:?}");
    }
    assert_eq!(ranked(&[]), [IDENTITY]);
    assert_eq!(ranked(&["gzip;q=0.1", "br, identity;q=0"]), [BR, GZIP]);
}

/// A name, and whether it stands for one of ours.
fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "br", "BR", "zstd", "gzip", "x-gzip", "identity", "*", "deflate", "compress",
    ])
}

fn well_formed() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", " ", "\t", "  "]);
    let weight = prop::option::of(0_u16..=1000);
    (name(), weight, space(), space()).prop_map(|(name, weight, before, after)| match weight {
        Some(1000) => format!("{before}{name}{after};{before}q=1.000{after}"),
        Some(thousandths) => format!("{before}{name}{after};{before}q=0.{thousandths:03}{after}"),
        None => format!("{before}{name}{after}"),
    })
}

/// The RFC's rules once more, the slow way: by looking each representation up in the whole list.
fn model(elements: &[String], representation: Representation) -> u16 {
    let names: &[&str] = match representation {
        BR => &["br"],
        ZSTD => &["zstd"],
        GZIP => &["gzip", "x-gzip"],
        IDENTITY => &["identity"],
    };
    let quality = |wanted: &[&str]| {
        let qualities = elements.iter().filter_map(|element| {
            let element = element.to_lowercase().replace([' ', '\t'], "");
            let (name, weight) = element.split_once(";q=").unwrap_or((&element, "1.000"));
            let thousandths = weight.replace('.', "").parse::<u16>().unwrap();
            wanted.contains(&name).then_some(thousandths)
        });
        qualities.max()
    };
    let unsaid = u16::from(representation == IDENTITY);
    quality(names).or_else(|| quality(&["*"])).unwrap_or(unsaid)
}

proptest! {
    #[test]
    fn it_agrees_with_the_slow_way(elements in prop::collection::vec(well_formed(), 0..8)) {
        let mut expected: Vec<_> = REPRESENTATIONS
            .into_iter()
            .map(|representation| (model(&elements, representation), representation))
            .filter(|(quality, _)| *quality > 0)
            .collect();
        expected.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        let expected: Vec<_> = expected.into_iter().map(|(_, it)| it).collect();
        if !elements.is_empty() {
            prop_assert_eq!(ranked(&[&elements.join(",")]), expected.clone());
        }
        // One list or many headers, in whatever order.
        let mut lines: Vec<&str> = elements.iter().map(String::as_str).collect();
        prop_assert_eq!(ranked(&lines), expected.clone());
        lines.reverse();
        prop_assert_eq!(ranked(&lines), expected);
    }

    #[test]
    fn whatever_bytes_come_each_representation_is_ranked_once(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let accepted = Accepted::parse([bytes.as_slice()].into_iter());
        let ranked: Vec<_> = accepted.ranked().collect();
        let distinct: std::collections::HashSet<_> = ranked.iter().collect();
        prop_assert_eq!(distinct.len(), ranked.len());
        prop_assert!(ranked.len() <= REPRESENTATIONS.len());
    }

    #[test]
    fn malformed_elements_say_nothing(
        elements in prop::collection::vec(well_formed(), 1..5),
        noise in "[a-z]{1,8};(p=1|q=[2-9]|q=0\\.[0-9]{4}|q=x|q)",
    ) {
        let list = elements.join(",");
        prop_assert_eq!(ranked(&[&format!("{noise},{list}")]), ranked(&[&list]));
    }
}
