//! How PostgreSQL runs what the program asks of a catalogue of 20,000 products: every statement's plan is kept beside the
//! tests, and none reads a large table from end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use doorbuster::products::store::CatalogStore;

use serde_json::{Deserializer, Value, json};
use tokio::runtime::Builder;

use crate::harness::{PATIENCE, Server, Shop, Writer, lines, product, repository, within};
use crate::outbox::store;

/// Tables that grow with the catalogue.
const LARGE: [&str; 11] = [
    "product",
    "image",
    "variant",
    "inventory",
    "relation",
    "review",
    "product_document",
    "product_listing",
    "product_tag",
    "catalog_outbox",
    "idempotency_key",
];
/// Statements that are about everything there is.
const OF_EVERYTHING: [&str; 1] = ["categories.sql"];
/// Statements that go through everything page by page, and how many blocks a page takes at most: of a plan that is as it
/// should be one cannot tell whether an index is read from where the page begins.
const PAGES: [(&str, u64); 2] = [("listed_after.sql", 160), ("outbox_between.sql", 20)];
/// Plans that are made or not, as it happens: for the few rows of the last page, where the connection that it gets is new and
/// plans for the values.
const SOMETIMES: [(&str, &str); 1] = [(
    "listed_after.sql",
    "Limit(NestedLoop(IndexScan product_listing_pkey, IndexScan product_document_pkey))",
)];
/// The version that the kept plans are of; others may choose others.
const VERSION: i32 = 15;

/// Twenty thousand of everything, as an ETL would write it.
const FILL: &str = "
    INSERT INTO product (id, handle, title, vendor, product_type, category, tags, published_at, rating_sum, rating_count)
    SELECT id, 'lamp-' || id, 'Lamp ' || id, 'vendor ' || id % 200, 'type ' || id % 40,
        'A > ' || id % 10 || ' > ' || id % 300, ARRAY['all', 'tag ' || id % 100], '2025-01-01'::timestamptz + id * interval '1 min',
        id % 50 * 3, id % 50
    FROM generate_series(1, 20000) id;
    INSERT INTO image (product_id, position, url)
    SELECT id, 0, 'https://shop/' || id FROM generate_series(1, 20000) id;
    INSERT INTO variant (id, product_id, position, sku, price_minor, currency, inventory_tracked)
    SELECT id, id, 0, 'lamp-' || id || '-1', 100 + id % 5000, 'EUR', true FROM generate_series(1, 20000) id;
    INSERT INTO inventory (variant_id, on_hand) SELECT id, id % 30 FROM generate_series(1, 20000) id;
    INSERT INTO relation (product_id, position, related_id, kind)
    SELECT id, 0, 20001 - id, 'related' FROM generate_series(1, 20000) id;
    INSERT INTO review (product_id, rating, status, created_at)
    SELECT id, 1 + id % 5, 'published', '2025-01-01'::timestamptz + id * interval '1 s' FROM generate_series(1, 20000) id;
    INSERT INTO token (id, name, hash, scopes) VALUES ('000000000000', 'nobody', sha256('none'), 'ops');
    INSERT INTO idempotency_key (token_id, key, request, status, headers, body)
    SELECT '000000000000', id::text, sha256('none'), 200, '{}', '' FROM generate_series(1, 20000) id;";

#[test]
fn no_statement_reads_a_large_table_from_end_to_end() {
    let shop = Shop::empty_in_a_cluster_of_its_own();
    let session = shop.postgres().connect();
    session.batch(FILL).unwrap();
    // The same statistics each time.
    session.batch("ALTER SYSTEM SET autovacuum = off").unwrap();
    session.batch("SELECT pg_reload_conf()").unwrap();
    session.batch("VACUUM ANALYZE").unwrap();
    let database: String = session.value("SELECT current_database()::text");
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_nested_statements = on",
        "auto_explain.log_format = json",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_buffers = on",
    ] {
        let set = format!("ALTER DATABASE {database} SET {setting}");
        session.batch(&set).unwrap();
    }
    ask_everything(&shop);

    let plans = plans(&shop.postgres().log());
    let (mut kept, mut slow) = (String::new(), Vec::new());
    for (statement, Seen { shapes, .. }) in &plans {
        for shape in shapes {
            let words: Vec<&str> = shape.split([' ', '(', ')', ',']).collect();
            let mut pairs = words.windows(2);
            let reads_all = pairs.any(|pair| pair[0] == "SeqScan" && LARGE.contains(&pair[1]));
            if reads_all && !OF_EVERYTHING.contains(&statement.as_str()) {
                slow.push(format!("{statement}\n    {shape}"));
            }
        }
        let shapes = shapes.iter().map(String::as_str);
        let shapes = shapes.filter(|shape| !SOMETIMES.contains(&(statement, shape)));
        let shapes: Vec<&str> = shapes.collect();
        kept.extend([statement, "\n    ", &shapes.join("\n    "), "\n"]);
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
    for file in statements().values() {
        assert!(plans.contains_key(file), "{file} was not asked");
    }
    for (page, most) in PAGES {
        let blocks = plans[page].blocks;
        assert!((1..=most).contains(&blocks), "{page}: {blocks} blocks");
    }
    let version: i32 = session.value("SELECT current_setting('server_version_num')::int / 10000");
    if version == VERSION {
        insta::assert_snapshot!(kept);
    }
}

/// Whatever a client or an operator can ask for.
fn ask_everything(shop: &Shop) {
    let ops = shop.token("ops");
    // What workers ask from time to time is asked more or less often.
    let server = shop.serve_with(
        &[],
        &[
            ("DOORBUSTER_CACHE_L1_BYTES", "0"),
            ("DOORBUSTER_JOBS_SERVE", "false"),
            ("DOORBUSTER_CACHE_COUNT_VIEWS", "false"),
        ],
    );
    reads(&server);
    let export = [("authorization", &*format!("Bearer {ops}"))];
    server
        .send(
            "GET",
            "/products:export?status=active&vendor=vendor+7",
            &export,
            "",
        )
        .with(200);
    let token = shop.token("catalog:write,stock:write");
    let writer = Writer::bearing(&server, &token);
    for path in ["/products/17", "/products/18"] {
        writer
            .patch(path, &json!({ "title": "Desk lamp" }))
            .with(200);
    }
    let mut lamp = product("lamp-19", "Lamp");
    lamp["images"] = json!([{ "url": "https://shop/other" }]);
    lamp["variants"][0]["sku"] = json!("lamp-19-1");
    lamp["variants"][0]["image"] = json!(0);
    lamp["relations"] = json!([{ "handle": "lamp-20", "kind": "related" }]);
    lamp["reviews"] = json!([{ "rating": 4, "status": "published" }]);
    writer.put("/products/19", &lamp).with(200);
    let key = [("idempotency-key", "once")];
    let mut new = product("new", "New");
    new["tags"] = json!(["all", "tag 7"]);
    for _ in 0..2 {
        writer.write("POST", "/products", &key, &new).with(201);
    }
    // In no category, so that its tags have to do.
    server.get("/products/20001/recommendations").with(200);
    writer.delete("/products/20").with(204);
    let mut heir = product("heir", "Heir");
    heir["variants"][0]["sku"] = json!("lamp-20-1");
    writer.post(&heir).with(201);
    let sale = json!({ "delta": -1, "reason": "sale" });
    writer
        .write("POST", "/variants/lamp-22-1/stock-adjustments", &[], &sale)
        .with(200);
    within(PATIENCE, "the search index is built", || {
        let found = server.get("/search?q=desk").with(200).json();
        (found["incomplete"] == false).then_some(())
    });
    let many: Vec<Value> = (1..=600)
        .map(|number| {
            let mut lamp = product(&format!("lamp-{}", 19_700 + number), "Lamp");
            lamp["images"] = json!([{ "url": "https://shop/other" }]);
            lamp["relations"] = json!([{ "handle": "lamp-1", "kind": "related" }]);
            lamp["reviews"] = json!([{ "rating": 4, "status": "published" }]);
            lamp["variants"][0]["image"] = json!(0);
            lamp
        })
        .collect();
    writer
        .send(
            "POST",
            "/products:bulk",
            &[("content-type", "application/x-ndjson")],
            lines(&many[..200]),
        )
        .with(200);
    server.stop();
    shop.import(&many);
    shop.export();
    // What it says of this server does not matter here.
    shop.run("doctor", &[]);
    let store = store(shop.postgres());
    let since = store.outbox_before(Duration::from_mins(1));
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(since).unwrap();
    // The server does so every ten minutes.
    let prune = fs::read_to_string(repository("sql/postgres/queries/prune_outbox.sql")).unwrap();
    shop.postgres().connect().batch(&prune).unwrap();
}

fn reads(server: &Server) {
    for path in [
        "/products/7",
        "/products/by-handle/lamp-7",
        "/products/by-sku/lamp-7-1",
        "/products/7/availability",
        "/products/7/reviews?limit=5",
        "/products/7/recommendations",
        "/products?ids=1,2,3,4,5,6,7,8",
        "/categories",
    ] {
        server.get(path).with(200);
    }
    for sort in [
        "newest", "updated", "price", "-price", "title", "rating", "popular",
    ] {
        for filter in [
            "",
            "&vendor=vendor+7",
            "&product_type=type+3",
            "&category=A+%3E+3",
            "&tag=tag+7",
            "&tag=all",
            "&availability=in_stock",
            "&currency=EUR&price_min=200&price_max=900",
        ] {
            let path = format!("/products?sort={sort}{filter}");
            let page = server.get(&path).with(200).json();
            if let Some(next) = page["next"].as_str() {
                server.get(&format!("{path}&cursor={next}")).with(200);
            }
        }
    }
}

/// The statements of the program that have files, by their text.
fn statements() -> BTreeMap<String, String> {
    let files = fs::read_dir(repository("sql/postgres/queries")).unwrap();
    let files = files.map(|file| {
        let file = file.unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        (words(&text), file.file_name().into_string().unwrap())
    });
    files.collect()
}

/// On one line, without comments.
fn words(sql: &str) -> String {
    let code = sql
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// How a statement was done.
#[derive(Default)]
struct Seen {
    shapes: BTreeSet<String>,
    /// How many it read at most.
    blocks: u64,
}

/// What there was of each statement.
fn plans(log: &str) -> BTreeMap<String, Seen> {
    let files = statements();
    let mut plans: BTreeMap<String, Seen> = BTreeMap::new();
    for entry in log.split("plan:\n").skip(1) {
        let mut values = Deserializer::from_str(entry).into_iter::<Value>();
        let logged = values.next().unwrap().unwrap();
        let text = words(logged["Query Text"].as_str().unwrap());
        let name = files.get(&text).cloned().unwrap_or(text);
        let blocks = |key: &str| logged["Plan"][key].as_u64().unwrap();
        let seen = plans.entry(name).or_default();
        seen.shapes.insert(shape(&logged["Plan"]));
        seen.blocks = seen
            .blocks
            .max(blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"));
    }
    plans
}

/// What is read how, without numbers.
fn shape(plan: &Value) -> String {
    let word = |key: &str| plan[key].as_str();
    let mut shape = word("Node Type").unwrap().replace(' ', "");
    for of in ["Index Name", "Relation Name", "Function Name", "CTE Name"] {
        if let Some(of) = word(of) {
            shape.push(' ');
            shape.push_str(of);
            break;
        }
    }
    let parts = plan["Plans"].as_array().into_iter().flatten();
    let parts: Vec<String> = parts.map(self::shape).collect();
    if !parts.is_empty() {
        shape.extend(["(", &parts.join(", "), ")"]);
    }
    shape
}
