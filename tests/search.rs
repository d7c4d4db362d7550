//! Searching: what is found, in which order, and how it is shown.

mod index;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Server, Shop, product, within};

/// Asks until the index holds `count` products and is complete. One that is damaged may give no answer
/// until that is seen.
fn await_index(server: &Server, count: u64) {
    within(PATIENCE, "the index is complete", || {
        let reply = server.get("/search?limit=1");
        let page = (reply.status == 200).then(|| reply.json())?;
        (page["incomplete"] == false && page["total"]["value"] == count).then_some(())
    });
}

/// Asks until the index of a catalogue with products is complete.
pub(crate) fn await_any_index(server: &Server) {
    within(PATIENCE, "the index is complete", || {
        let page = server.document("/search?limit=1");
        (page["incomplete"] == false && page["next"].is_string()).then_some(())
    });
}

/// The page for words, spaces and all.
fn search(server: &Server, query: &str) -> Value {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    server.document(&format!("/search?q={query}"))
}

fn handles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["handle"].as_str().unwrap())
        .collect()
}

fn found(server: &Server, query: &str) -> Vec<String> {
    let page = search(server, query);
    handles(&page).into_iter().map(str::to_owned).collect()
}

/// A product with more than a title.
fn with(handle: &str, title: &str, more: Value) -> Value {
    let mut product = product(handle, title);
    let Value::Object(more) = more else {
        panic!("not an object: {more}")
    };
    product.as_object_mut().unwrap().extend(more);
    product
}

fn words_shop() -> Shop {
    let text = "<p>Stands well beside a <b>lantern</b>; lantern, lantern and lantern oil are sold apart.</p>";
    Shop::with(&[
        with("oil", "Burner Oil", json!({ "description_html": text })),
        product("lantern", "Lantern"),
        product("storm-lantern", "Storm Lantern with Wick"),
        with("hook", "Iron Hook", json!({ "tags": ["lantern"] })),
        product("lanyard", "Lanyard"),
        product("cafe", "Café Crème Brûlée Set"),
        product("tshirt", "T-Shirt"),
        with(
            "kettle",
            "Enamel Kettle",
            json!({ "vendor": "Müller & Söhne", "category": "Kitchen > Tea" }),
        ),
        with(
            "coded",
            "Nameless",
            json!({ "variants": [{
            "sku": "FF-SRP-M", "barcode": "4006381333931",
            "price": { "amount_minor": 100, "currency": "USD" },
        }] }),
        ),
        product("camping-stove", "Camping Stove"),
        product("coat", "Winter Coat"),
    ])
}

#[test]
fn the_best_comes_first() {
    let shop = words_shop();
    let server = shop.serve();
    await_index(&server, 11);
    // The whole title, in a title, as a tag, in a description however often; a typing error is none of it.
    assert_eq!(
        found(&server, "lantern"),
        ["lantern", "storm-lantern", "hook", "oil"]
    );
    assert_eq!(found(&server, "lantern oil"), ["oil"]);
    assert_eq!(found(&server, "storm lantern with wick"), ["storm-lantern"]);
    assert_eq!(found(&server, "tea kettle"), ["kettle"]);
    // A word that the last one begins comes behind the word itself.
    let begun = found(&server, "lan");
    assert_eq!(begun.len(), 5);
    assert!(begun.contains(&"lanyard".to_owned()));
    assert_eq!(found(&server, "lan "), [""; 0]);
    assert_eq!(found(&server, "storm la"), ["storm-lantern"]);
}

#[test]
fn a_word_is_found_however_it_is_written() {
    let shop = words_shop();
    let server = shop.serve();
    await_index(&server, 11);
    for (query, handle) in [
        ("cafe", "cafe"),
        ("CAFÉ", "cafe"),
        ("cafe\u{301} creme", "cafe"),
        ("brulee", "cafe"),
        ("muller", "kettle"),
        ("MÜLLER & söhne", "kettle"),
        ("t-shirt", "tshirt"),
        ("tshirt", "tshirt"),
        ("t shirt", "tshirt"),
        ("FF-SRP-M", "coded"),
        ("ffsrpm", "coded"),
        ("4006381333931", "coded"),
    ] {
        let page = search(&server, query);
        assert_eq!(handles(&page), [handle], "{query}");
        assert_eq!(page["corrected"], Value::Null, "{query}");
    }
    for not_there in ["400638133393", "FF-SRP", "4006381333932", "xylophone"] {
        let page = search(&server, not_there);
        assert_eq!(handles(&page), [""; 0], "{not_there}");
        assert_eq!(page["total"], json!({ "value": 0, "exact": true }));
        assert_eq!(page["corrected"], Value::Null, "{not_there}");
    }
}

#[test]
fn a_misspelt_word_is_corrected_where_little_is_found() {
    let shop = words_shop();
    let server = shop.serve();
    await_index(&server, 11);
    for (query, handle, corrected) in [
        ("kettel", "kettle", "kettle"),
        ("kttle", "kettle", "kettle"),
        ("winter caot", "coat", "winter coat"),
        // Two edits from eight letters on.
        ("kampping stove", "camping-stove", "camping stove"),
        // What is nothing at all is left out.
        ("winter coat xylophone", "coat", "winter coat"),
    ] {
        let page = search(&server, query);
        assert_eq!(handles(&page).first(), Some(&handle), "{query}");
        assert_eq!(page["corrected"], corrected, "{query}");
    }
    // Two edits are too many for a short word, and one for a very short one.
    for query in ["ketlte", "kotles", "tae kettle "] {
        let page = search(&server, query);
        let is_kettle = handles(&page) == ["kettle"];
        assert_eq!(
            is_kettle,
            query == "ketlte" || query.starts_with("tae"),
            "{query}"
        );
    }
    // Enough was found as it was written.
    let page = search(&server, "lantern");
    assert_eq!(page["corrected"], Value::Null);
    assert!(!handles(&page).contains(&"lanyard"));
}

#[test]
fn what_was_found_is_shown_as_text_and_ranges() {
    let script = "<script>alert(1)</script>";
    let shop = Shop::with(&[with(
        "evil",
        &format!("Trail {script} \u{1f45f} shoe"),
        json!({
            "vendor": "<b>Trail</b>",
            "description_html": format!("<p>A <i>trail</i> &lt;img src=x onerror=alert(1)&gt; {script}of mud</p>"),
            "images": [{ "url": "https://example.com/a.png", "alt": "\"><script>" }],
        }),
    )]);
    let server = shop.serve();
    await_index(&server, 1);
    let reply = server.get("/search?q=shoe+trail").with(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let page = reply.json();
    let item = &page["items"][0];
    let title = format!("Trail {script} \u{1f45f} shoe");
    assert_eq!(item["title"], title);
    assert_eq!(item["image"]["alt"], "\"><script>");
    let units: Vec<u16> = title.encode_utf16().collect();
    let at = units.len() - 4;
    assert_eq!(
        item["highlights"],
        json!([
            { "field": "title", "text": title, "ranges": [[0, 5], [at, at + 4]] },
            { "field": "vendor", "text": "<b>Trail</b>", "ranges": [[3, 8]] },
            { "field": "description", "text": "A trail <img src=x onerror=alert(1)> of mud", "ranges": [[2, 7]] },
        ])
    );
    let document = server.document("/products/1");
    for member in [
        "id",
        "handle",
        "title",
        "vendor",
        "product_type",
        "category",
        "price",
        "availability",
        "rating",
        "version",
    ] {
        assert_eq!(item[member], document[member], "{member}");
    }
    assert_eq!(item["image"], document["images"][0]);
    let members: Vec<_> = page.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "items",
            "total",
            "corrected",
            "facets",
            "incomplete",
            "next"
        ]
    );
}

/// Products that differ in everything that filters know.
fn varied_shop() -> Shop {
    let products: Vec<_> = (0..24_usize)
        .map(|number| {
            let currency = ["USD", "EUR"][usize::from(number % 5 == 0)];
            let on_hand = [0, 2, 20][number % 3];
            let variant = json!({
                "sku": format!("v-{number}"),
                "price": { "amount_minor": 500 + number * 170, "currency": currency },
                "inventory": { "tracked": true, "on_hand": on_hand, "low_stock_at": 5 },
            });
            let variants = if number % 11 == 10 {
                vec![]
            } else {
                vec![variant]
            };
            let tags = (0..3).filter(|tag| number % (tag + 2) == 0);
            let more = json!({
                "category": (["Home", "Home > Light", "Homes", "Garden"][number % 4]),
                "vendor": (["Vega", "Wolke"][usize::from(number % 7 < 3)]),
                "product_type": (["Lamp", "Hose"][usize::from(number % 2 == 0)]),
                "tags": tags.map(|tag| format!("t{tag}")).collect::<Vec<_>>(),
                "variants": variants,
                "rating": { "sum": 5 + number % 21, "count": 5 },
                "published_at": format!("2026-01-{:02}T00:00:00.000Z", number / 2 + 1),
            });
            with(&format!("p-{number}"), &format!("Thing {number}"), more)
        })
        .collect();
    Shop::with(&products)
}

fn walk(server: &Server, path: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = server.document(&next);
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_i64().unwrap()),
        );
        let Some(cursor) = page["next"].as_str() else {
            return ids;
        };
        next = format!("{path}&cursor={cursor}");
    }
}

#[test]
fn filters_and_orders_are_those_of_the_lists() {
    let shop = varied_shop();
    let server = shop.serve();
    await_index(&server, 24);
    for filter in [
        "category=Home",
        "category=Home%3ELight",
        "category=Nothing",
        "vendor=Vega",
        "product_type=Lamp&vendor=Wolke",
        "tag=t0&tag=t1",
        "tag=t1,t2",
        "currency=USD",
        "currency=USD&price_min=900&price_max=3000",
        "currency=EUR&price_max=1350",
        "availability=in_stock,low_stock",
        "category=Home&availability=out_of_stock&tag=t0&currency=USD",
    ] {
        for sort in ["newest", "price", "-price", "rating"] {
            let query = format!("{filter}&sort={sort}");
            let listed = walk(&server, &format!("/products?{query}&limit=5"));
            let found = walk(&server, &format!("/search?{query}&limit=5"));
            assert_eq!(found, listed, "{query}");
        }
    }
}

#[test]
fn every_page_goes_on_where_the_last_one_ended() {
    let shop = varied_shop();
    let server = shop.serve();
    await_index(&server, 24);
    for query in [
        "q=thing",
        "q=thing&sort=popular",
        "q=thing&sort=-price&currency=USD",
        "q=th",
        "q=",
    ] {
        let path = format!("/search?{query}&limit=7");
        let ids = walk(&server, &path);
        let total = server.document(&path)["total"]["value"].as_u64().unwrap();
        assert_eq!(ids.len() as u64, total, "{query}");
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "{query}: {ids:?}"
        );
    }
    let first = server.get("/search?q=thing&limit=7").with(200);
    let cursor = first.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(
        first.header("link"),
        Some(&*format!(
            "</search?q=thing&limit=7&cursor={cursor}>; rel=\"next\""
        ))
    );
    // The words, not their spelling, make a search.
    server
        .get(&format!("/search?q=%20THING&limit=3&cursor={cursor}"))
        .with(200);
    for other in [
        "q=thing+1",
        "q=thing+",
        "q=thing&sort=newest",
        "q=thing&vendor=Vega",
        "q=thing&rating_min=1",
    ] {
        let problem = server
            .get(&format!("/search?{other}&cursor={cursor}"))
            .problem(400, "invalid-query");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .starts_with("cursor: is none of this search"),
            "{other}"
        );
    }
}

#[test]
fn facets_count_what_else_might_be_chosen() {
    let shop = varied_shop();
    let server = shop.serve();
    await_index(&server, 24);
    let total = |query: &str| {
        server.document(&format!("/search?q=thing&{query}"))["total"]["value"].clone()
    };
    let page = server
        .document("/search?q=thing&category=Home&vendor=Vega&availability=in_stock&rating_min=2");
    let others = |without: &str| {
        [
            "category=Home",
            "vendor=Vega",
            "availability=in_stock",
            "rating_min=2",
        ]
        .into_iter()
        .filter(|filter| !filter.starts_with(without))
        .collect::<Vec<_>>()
        .join("&")
    };
    let facets = &page["facets"];
    for (facet, without) in [
        ("category", "category"),
        ("vendor", "vendor"),
        ("availability", "availability"),
    ] {
        for value in facets[facet].as_array().unwrap() {
            let chosen: String =
                form_urlencoded::byte_serialize(value["value"].as_str().unwrap().as_bytes())
                    .collect();
            assert_eq!(
                value["count"],
                total(&format!("{}&{facet}={chosen}", others(without))),
                "{value}"
            );
        }
    }
    for range in facets["price"].as_array().unwrap() {
        let (currency, from, to) = (
            range["currency"].as_str().unwrap(),
            &range["from"],
            &range["to"],
        );
        let query = format!(
            "{}&currency={currency}&price_min={from}&price_max={to}",
            others("none")
        );
        assert_eq!(range["count"], total(&query), "{range}");
    }
    for rating in facets["rating"].as_array().unwrap() {
        let query = format!("{}&rating_min={}", others("rating_min"), rating["from"]);
        assert_eq!(rating["count"], total(&query), "{rating}");
    }
}

#[test]
fn a_search_that_cannot_be_is_told_why() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    await_index(&server, 1);
    let many = vec!["w"; 13].join("+");
    let long = "w".repeat(201);
    for (query, detail) in [
        (
            format!("q={many}"),
            "q: has 13 words, more than 12; search for fewer",
        ),
        (
            format!("q={long}"),
            "q: is 201 characters long, more than 200; search for less",
        ),
        (
            "q=a&q=b".to_owned(),
            "q: is given more than once; give it once",
        ),
        (
            "query=a".to_owned(),
            "\"query\" is not a query parameter here; known here: q, category, vendor, product_type, tag, price_min, price_max, currency, availability, rating_min, sort, limit, cursor",
        ),
        (
            "sort=title".to_owned(),
            "sort: \"title\" is not known; use one of relevance, newest, price, -price, rating, popular",
        ),
        (
            "rating_min=5.1".to_owned(),
            "rating_min: \"5.1\" is not a rating from 0 to 5; write it like 4 or 4.5",
        ),
        (
            "rating_min=four".to_owned(),
            "rating_min: \"four\" is not a rating from 0 to 5; write it like 4 or 4.5",
        ),
        (
            "price_min=1".to_owned(),
            "price_min: is an amount in no currency; name one, like currency=USD",
        ),
        (
            "limit=101".to_owned(),
            "limit: \"101\" is not a whole number from 1 to 100",
        ),
    ] {
        let problem = server
            .get(&format!("/search?{query}"))
            .problem(400, "invalid-query");
        assert_eq!(problem["detail"], detail, "{query}");
    }
    // Without a word, everything is meant.
    for query in ["", "q=", "q=%20", "q=%3F%21+-", "q=%00"] {
        assert_eq!(
            handles(&server.document(&format!("/search?{query}"))),
            ["lamp"],
            "{query}"
        );
    }
    let page = server.get("/search?q=lamp").with(200);
    let tag = page.header("etag").unwrap();
    server
        .request("GET", "/search?q=lamp", &[("if-none-match", tag)])
        .with(304);
    let request = "POST /search?q=lamp HTTP/1.1\r\nhost: shop\r\n\r\n";
    server
        .connect()
        .send(request)
        .reply()
        .problem(405, "method-not-allowed");
}

#[test]
fn categories_are_a_tree_that_follows_the_catalogue() {
    let shop = Shop::with(&[
        with("a", "A", json!({ "category": "Home > Light" })),
        with("b", "B", json!({ "category": "Home" })),
        with("c", "C", json!({ "category": "Garden", "status": "draft" })),
        product("d", "D"),
    ]);
    let server = shop.serve();
    let light = json!({ "name": "Light", "path": "Home > Light", "count": 1, "children": [] });
    let home = json!({ "name": "Home", "path": "Home", "count": 2, "children": [light] });
    assert_eq!(server.document("/categories"), json!({ "items": [home] }));
    shop.import(&[with(
        "c",
        "C",
        json!({ "category": "Garden", "status": "active" }),
    )]);
    within(PATIENCE, "the new category is shown", || {
        let names: Vec<_> = server.document("/categories")["items"]
            .as_array()?
            .iter()
            .map(|item| item["name"].clone())
            .collect();
        (names == ["Garden", "Home"]).then_some(())
    });
    server.get("/categories?q=a").problem(400, "invalid-query");
}
