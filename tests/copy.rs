//! `doorbuster copy`: a catalogue goes from one store into the other and nothing is lost.

use serde_json::{Value, json};

use crate::harness::{Ended, Shop, Writer, doorbuster, product, run};

fn url(shop: &Shop) -> String {
    match &shop.postgres {
        Some(database) => database.url(),
        None => format!("sqlite:{}", shop.catalogue().display()),
    }
}

fn copy(from: &Shop, to: &Shop) -> Ended {
    let mut command = doorbuster();
    command.args(["copy", "--json", "--from", &url(from), "--to", &url(to)]);
    run(&mut command, &[])
}

/// Everything a catalogue can have: the demo shop, several versions, a deleted product and one that gave up its sku,
/// drafts, relations, a log of stock, answers kept for clients. Returns the token that wrote it.
fn lived_in() -> (Shop, String) {
    let shop = Shop::in_a_file();
    let server = shop.serve_with(&["--demo"], &[]);
    let token = shop.token("catalog:write,stock:write");
    let writer = Writer::bearing(&server, &token);
    let tracked = json!({ "tracked": true, "on_hand": 7 });
    let mut lamp = product("lamp", "Lamp");
    lamp["variants"][0]["inventory"] = tracked;
    lamp["relations"] = json!([{ "handle": "chair", "kind": "related" }]);
    lamp["reviews"] = json!([{ "rating": 4, "title": "\"Good\"", "body": "ä\\n", "author": "",
        "status": "published" }]);
    for product in [product("chair", "Chair"), lamp, product("gone", "Gone")] {
        let key = ("idempotency-key", "once");
        let of = product["handle"].as_str().unwrap().to_owned();
        let headers = [(key.0, of.as_str())];
        writer
            .write("POST", "/products", &headers, &product)
            .with(201);
    }
    let id = |handle: &str| {
        let reply = server
            .get(&format!("/products/by-handle/{handle}"))
            .with(200);
        reply.json()["id"].as_i64().unwrap()
    };
    let (lamp, gone) = (id("lamp"), id("gone"));
    writer
        .patch(
            &format!("/products/{lamp}"),
            &json!({ "title": "Desk \u{301}lamp" }),
        )
        .with(200);
    let sale = json!({ "delta": -1, "reason": "sale" });
    writer
        .write("POST", "/variants/lamp-1/stock-adjustments", &[], &sale)
        .with(200);
    writer.delete(&format!("/products/{gone}")).with(204);
    let mut heir = product("heir", "Heir");
    heir["variants"][0]["sku"] = json!("gone-1");
    heir["status"] = json!("draft");
    writer.post(&heir).with(201);
    server.stop();
    for variant in ["off", "on"] {
        let nobody = "--node=http://127.0.0.1:9";
        let set = [
            "set",
            "search",
            variant,
            "--reason=a test",
            "--for=2h",
            nobody,
        ];
        shop.run("flags", &set).with(0);
    }
    (shop, token)
}

fn table(shop: &Shop, columns: &str, table: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM {table} ORDER BY 1");
    shop.database().texts(&sql)
}

#[test]
fn a_catalogue_goes_into_postgresql_and_back_and_nothing_is_lost() {
    let (original, token) = lived_in();
    let moved = Shop::blank_in_postgres();
    let back = Shop::in_a_file();
    for (from, to) in [(&original, &moved), (&moved, &back)] {
        let copied = copy(from, to).with(0).summary();
        assert_eq!(copied["rows"]["product"], 1_004);
        assert_eq!(copied["rows"]["token"], 1);
        assert_eq!(copied["rows"]["flag_history"], 2);
        assert_eq!(copied["rows"]["stock_adjustment"], 1);
        assert!(
            copied["rows"]["idempotency_key"].as_u64().unwrap() >= 3,
            "{copied}"
        );
        assert_eq!(to.export(), from.export());
        for (columns, of) in [
            (
                "id || ' ' || handle || ' ' || version || ' ' || (deleted_at IS NULL)",
                "product",
            ),
            (
                "product_id || ' ' || version || ' ' || coalesce(body, '')",
                "product_document",
            ),
            ("id || coalesce(sku, '')", "variant"),
            (
                "delta || ' ' || reason || ' ' || on_hand",
                "stock_adjustment",
            ),
            ("token_id || key || status", "idempotency_key"),
            ("id || name || scopes", "token"),
            ("key || CAST(definition AS text) || reason", "flag"),
            (
                "id || key || CAST(definition AS text) || set_by",
                "flag_history",
            ),
        ] {
            let rows = |shop: &Shop| {
                let rows = table(shop, columns, of).into_iter();
                // Yes and no have other words.
                let rows = rows.map(|row| row.replace(" true", " 1").replace(" false", " 0"));
                let mut rows: Vec<_> = rows.collect();
                rows.sort();
                rows
            };
            assert_eq!(rows(to), rows(from), "{of}");
        }
        // The stream of changes begins with all there is.
        let begun = "SELECT count(*) FROM catalog_outbox o JOIN product p ON p.id = o.product_id
                         AND p.version = o.version";
        assert_eq!(to.database().number(begun), 1_004);
    }
    for shop in [moved, back] {
        let server = shop.serve();
        let lamp = server.get("/products/by-handle/lamp").with(200).json();
        let path = format!("/products/{}", lamp["id"]);
        assert_eq!(lamp["title"], "Desk \u{301}lamp");
        let gone = lamp["id"].as_i64().unwrap() + 1;
        server
            .get(&format!("/products/{gone}"))
            .problem(410, "product-deleted");
        // The token is good, numbers go on behind those there are, and so do versions.
        let writer = Writer::bearing(&server, &token);
        let repeated = [("idempotency-key", "chair")];
        let chair = product("chair", "Chair");
        let reply = writer
            .write("POST", "/products", &repeated, &chair)
            .with(201);
        assert_eq!(reply.header("idempotent-replayed"), Some("true"));
        let version = lamp["version"].as_i64().unwrap();
        let changed = json!({ "title": "Lamp" });
        let changed = writer.patch(&path, &changed).with(200).json();
        assert_eq!(changed["version"], version + 1);
        let new = writer.post(&product("new", "New")).with(201).json();
        assert_eq!(new["id"], gone + 2);
        let pictures = json!({ "images": [{ "url": "https://shop/1.jpg" }],
            "reviews": [{ "rating": 5, "status": "published" }] });
        writer.patch(&path, &pictures).with(200);
        server.stop();
    }
}

#[test]
fn a_catalogue_is_copied_into_an_empty_one_alone() {
    let full = Shop::in_a_file();
    full.import(&[product("lamp", "Lamp")]);
    let other = Shop::empty_in_postgres();
    other.import(&[product("chair", "Chair")]);
    let before = other.export();
    let refused = copy(&full, &other).with(1);
    assert!(
        refused
            .one_line()
            .contains("the target is not empty: its table product has 1 rows"),
        "{refused:?}"
    );
    assert_eq!(other.export(), before);

    let nothing = Shop::in_a_file();
    for nothing in [&nothing, &Shop::blank_in_postgres()] {
        let refused = copy(nothing, &Shop::in_a_file()).with(1);
        assert!(
            refused.one_line().contains("there is no catalogue at"),
            "{refused:?}"
        );
    }
    assert!(!nothing.data_dir().exists());
    let refused = copy(&full, &full).with(64);
    assert!(
        refused.one_line().contains("the same catalogue"),
        "{refused:?}"
    );
    let exported: Value = serde_json::from_str(full.export().trim_end()).unwrap();
    assert_eq!(exported["handle"], "lamp");
}
