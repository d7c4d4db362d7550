//! Many products in one request, a result for each line.

use std::fs;
use std::io::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Raw, Server, Shop, lines, product, within};
use crate::search::await_any_index;

/// Begins a request whose body comes in chunks.
fn begin(server: &Server, token: &str) -> Raw {
    let mut connection = server.connect();
    connection.send(format!(
        "POST /products:bulk HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {token}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    ));
    connection
}

/// Sends a body and reads all results, both at once.
fn post(server: &Server, token: &str, body: &[u8]) -> Vec<Value> {
    let mut connection = begin(server, token);
    let mut sending = connection.second_handle();
    thread::scope(|scope| {
        scope.spawn(move || {
            for chunk in body.chunks(100_000) {
                sending.send_chunk(chunk);
            }
            sending.send_last_chunk();
        });
        let head = connection.head().with(200);
        assert_eq!(head.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(head.header("cache-control"), Some("no-store"));
        let (results, is_whole) = connection.chunks();
        assert!(is_whole, "{}", String::from_utf8_lossy(&results));
        parsed(&results)
    })
}

fn parsed(results: &[u8]) -> Vec<Value> {
    let results = results.split_inclusive(|byte| *byte == b'\n');
    results
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Kilobytes of memory: a line of `/proc/<pid>/status`.
fn memory(server: &Server, line: &str) -> u64 {
    let path = format!("/proc/{}/status", server.program.child.id());
    let status = fs::read_to_string(path).unwrap();
    let value = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    let kilobytes = value.trim_start_matches(':').trim().split(' ').next();
    kilobytes.unwrap().parse().unwrap()
}

#[test]
fn each_line_is_told_what_became_of_it() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("vase", "Vase")]);
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let mut stolen = product("thief", "Thief");
    stolen["variants"][0]["sku"] = json!("vase-1");
    let mut wrong = product("Wrong Handle", "");
    wrong["variants"][0]["price"]["amount_minor"] = json!(-1);
    let mut related = product("rug", "Rug");
    related["relations"] = json!([
        { "handle": "lamp", "kind": "related" },
        { "handle": "nowhere", "kind": "related" },
    ]);
    let body = [
        product("chair", "Chair").to_string(),
        product("lamp", "Desk lamp").to_string(),
        product("vase", "Vase").to_string(),
        wrong.to_string(),
        "{\"handle\":\"broken\",".to_owned(),
        String::new(),
        stolen.to_string(),
        json!({ "handle": "untitled" }).to_string(),
        related.to_string(),
        product("chair", "Armchair").to_string(),
        "{\"handle\":\"lamp\",\"colour\":\"red\"}".to_owned(),
        "\u{feff}x".to_owned(),
        json!({ "handle": "vase", "vendor": "Acme" }).to_string(),
    ];
    let results = post(&server, &token, body.join("\r\n").as_bytes());
    let brief: Vec<_> = results
        .iter()
        .map(|result| {
            let errors = result["errors"].as_array().unwrap();
            let pointers: Vec<_> = errors
                .iter()
                .map(|e| e["pointer"].as_str().unwrap())
                .collect();
            assert!(
                errors
                    .iter()
                    .all(|error| error["detail"].as_str().unwrap().len() > 5)
            );
            let (line, id, version) = (&result["line"], &result["id"], &result["version"]);
            let numbers = [line, id, version].map(Value::as_u64);
            (numbers, result["status"].as_str().unwrap(), pointers)
        })
        .collect();
    let number = |line, id, version| [Some(line), Some(id), Some(version)];
    let refused = |line| [Some(line), None, None];
    let expected = [
        (number(1, 3, 1), "created", vec![]),
        (number(2, 1, 2), "updated", vec![]),
        (number(3, 2, 1), "unchanged", vec![]),
        (
            refused(4),
            "invalid",
            vec!["/variants/0/price/amount_minor", "/handle", "/title"],
        ),
        (refused(5), "invalid", vec![""]),
        (refused(6), "invalid", vec![""]),
        (refused(7), "conflict", vec!["/variants/0/sku"]),
        (refused(8), "conflict", vec!["/title"]),
        (number(9, 4, 1), "created", vec!["/relations/1/handle"]),
        (number(10, 3, 2), "updated", vec![]),
        (refused(11), "invalid", vec!["/colour"]),
        (refused(12), "invalid", vec![""]),
        (number(13, 2, 2), "updated", vec![]),
    ];
    assert_eq!(brief, expected);
    let members: Vec<_> = results[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["line", "status", "id", "version", "errors"]);

    assert_eq!(
        server.document("/products/by-handle/chair")["title"],
        "Armchair"
    );
    // What a line does not say is kept.
    let vase = server.document("/products/by-handle/vase");
    assert_eq!(
        (&vase["vendor"], &vase["title"]),
        (&json!("Acme"), &json!("Vase"))
    );
    for handle in ["thief", "untitled", "broken"] {
        server
            .get(&format!("/products/by-handle/{handle}"))
            .with(404);
    }
    assert_eq!(post(&server, &token, b""), [Value::Null; 0]);
}

#[test]
fn a_result_is_not_followed_by_an_older_version() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let mut connection = begin(&server, &token);
    for version in 2..40 {
        server.get("/products/1").with(200);
        let title = format!("Version {version}");
        connection.send_chunk(lines(&[product("lamp", &title)]));
        if version == 2 {
            connection.head().with(200);
        }
        let result = parsed(&connection.chunk().unwrap());
        assert_eq!(result[0]["version"], version);
        assert_eq!(server.document("/products/1")["title"], title);
    }
    connection.send_last_chunk();
    assert_eq!(connection.chunks(), (Vec::new(), true));
}

#[test]
fn lines_sent_one_at_a_time_are_answered_one_at_a_time() {
    let shop = Shop::empty();
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let mut connection = begin(&server, &token);
    for number in 1..=10 {
        let line = lines(&[product(&format!("lamp-{number}"), "Lamp")]);
        // Cut in the middle of a line, and of a batch.
        let (head, tail) = line.split_at(line.len() / 2);
        connection.send_chunk(head);
        thread::sleep(Duration::from_millis(60));
        connection.send_chunk(tail);
        if number == 1 {
            connection.head().with(200);
        }
        let results = parsed(&connection.chunk().unwrap());
        assert_eq!(results.len(), 1);
        assert_eq!(results[0]["line"], number);
        // It is there already, for others too.
        let count = "SELECT count(*) FROM product";
        let count = shop.database().number(count);
        assert_eq!(count, number);
    }
    connection.send_last_chunk();
    assert_eq!(connection.chunks(), (Vec::new(), true));
}

/// A body of many lines, each about 2 KB, some of them invalid; the same products in each round, titled after it.
fn body(rounds: Range<usize>, products: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for round in rounds {
        for number in 0..products {
            if number % 10 == 7 {
                writeln!(body, "{{\"handle\":\"lamp-{number}\",\"title\":{number}}}").unwrap();
                continue;
            }
            let mut lamp = product(&format!("lamp-{number}"), &format!("Round {round}"));
            lamp["description_html"] = json!(format!("A lamp, {number}. ").repeat(110));
            writeln!(body, "{lamp}").unwrap();
        }
    }
    body
}

#[test]
fn twenty_thousand_lines_give_as_many_results_in_order_and_memory_stays_flat() {
    let shop = Shop::empty();
    let server = shop.serve();
    let token = shop.token("catalog:write");
    // Short bodies with as many lines come first: what buffers, statements, the cache of the store and the search
    // index take for so many writes is then there, and only the length of a body is left to grow with.
    for round in 0..10 {
        let warm_up = post(&server, &token, &body(round..round + 1, 2_000));
        assert_eq!(warm_up.len(), 2_000);
    }
    await_any_index(&server);
    let before = memory(&server, "VmHWM");
    let body = body(0..10, 2_000);
    let results = post(&server, &token, &body);
    let growth = memory(&server, "VmHWM") - before;
    assert_eq!(results.len(), 20_000);
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["line"], index + 1);
        let expected = match index {
            index if index % 10 == 7 => "invalid",
            _ => "updated",
        };
        assert_eq!(result["status"], expected, "{result}");
        if expected == "updated" {
            assert_eq!(result["version"], index / 2_000 + 11);
        }
    }
    assert!(body.len() > 30_000_000, "{}", body.len());
    assert!(growth < 15_000, "{growth} KiB more");
}

#[test]
fn a_client_that_takes_no_results_gets_no_lines_read() {
    let shop = Shop::empty();
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let mut connection = begin(&server, &token);
    let mut sending = connection.second_handle();
    let line = format!("{}\n", "x".repeat(120));
    let (chunks, per_chunk) = (400, 1_000);
    let chunk = line.repeat(per_chunk);
    let sent = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..chunks {
                sending.send_chunk(&chunk);
                sent.fetch_add(1, Ordering::Relaxed);
            }
            sending.send_last_chunk();
        });
        // It goes on until the buffers of the system are full, and then no further.
        let stuck = within(PATIENCE, "the client has to wait", || {
            let before = sent.load(Ordering::Relaxed);
            thread::sleep(Duration::from_secs(1));
            (before > 0 && sent.load(Ordering::Relaxed) == before).then_some(before)
        });
        assert!(stuck < chunks, "everything was taken");
        assert!(memory(&server, "VmRSS") < 150 * 1024);
        // Others are served meanwhile.
        let results = post(
            &server,
            &token,
            lines(&[product("lamp", "Lamp")]).as_bytes(),
        );
        assert_eq!(results[0]["status"], "created");
        connection.head().with(200);
        let (results, is_whole) = connection.chunks();
        assert!(is_whole);
        let results = results.split_inclusive(|byte| *byte == b'\n');
        assert_eq!(results.count(), chunks * per_chunk);
    });
}

#[test]
fn a_client_that_leaves_loses_nothing_that_was_acknowledged() {
    let shop = Shop::empty();
    let server = shop.serve();
    let token = shop.token("catalog:write");
    // More often than there are places.
    for round in 0..6 {
        let mut connection = begin(&server, &token);
        let many: Vec<_> = (0..3_000)
            .map(|number| product(&format!("lamp-{round}-{number}"), "Lamp"))
            .collect();
        let mut sending = connection.second_handle();
        let acknowledged = thread::scope(|scope| {
            scope.spawn(move || {
                for chunk in many.chunks(100) {
                    if !sending.try_send_chunk(lines(chunk)) {
                        return;
                    }
                }
            });
            connection.head().with(200);
            let results = parsed(&connection.chunk().unwrap());
            connection.close();
            results
        });
        assert!(!acknowledged.is_empty() && acknowledged.len() < 3_000);
        let database = shop.database();
        for result in &acknowledged {
            assert_eq!(result["status"], "created");
            let handle = format!("lamp-{round}-{}", result["line"].as_u64().unwrap() - 1);
            let id = database.number(&format!("SELECT id FROM product WHERE handle = '{handle}'"));
            assert_eq!(result["id"], id);
        }
        // The rest of it is not read on.
        let count = || -> i64 {
            let count = format!("SELECT count(*) FROM product WHERE handle LIKE 'lamp-{round}-%'");
            database.number(&count)
        };
        let written = within(PATIENCE, "writing ends", || {
            let before = count();
            thread::sleep(Duration::from_millis(300));
            (count() == before).then_some(before)
        });
        assert!(written < 3_000, "{written}");
    }
    server.stop();
}

#[test]
fn what_cannot_be_begun_is_told_by_the_status() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let ask = |method: &str, headers: &str| {
        let mut connection = server.connect();
        connection.send(format!(
            "{method} /products:bulk HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n{headers}\r\n{{}}\n"
        ));
        connection.reply()
    };
    let bearer = |scope: &str| format!("authorization: Bearer {}\r\n", shop.token(scope));
    ask("POST", "").problem(401, "token-missing");
    ask("POST", &bearer("stock:write,ops")).problem(403, "scope-missing");
    let allowed = bearer("catalog:write");
    let refused = ask("PUT", &allowed);
    refused.problem(405, "method-not-allowed");
    assert_eq!(refused.header("allow"), Some("POST, OPTIONS"));
    let coded = format!("{allowed}content-encoding: gzip\r\n");
    ask("POST", &coded).problem(415, "unsupported-coding");
}

#[test]
fn another_process_that_writes_for_long_is_told_in_time_and_hurts_no_reads() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let other = shop.database();
    other.block_writes();
    let begun = Instant::now();
    let mut connection = begin(&server, &token);
    connection
        .send_chunk(lines(&[product("lamp", "Desk lamp")]))
        .send_last_chunk();
    thread::scope(|scope| {
        let refused = scope.spawn(move || connection.reply());
        while !refused.is_finished() {
            let asked = Instant::now();
            server.get("/products/1").with(200);
            server.get("/products?limit=5").with(200);
            assert!(asked.elapsed() < Duration::from_secs(1));
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "not told in time"
            );
        }
        let refused = refused.join().unwrap();
        refused.problem(503, "catalog-busy");
        assert_eq!(refused.header("retry-after"), Some("1"));
    });
    other.let_write();
    let results = post(
        &server,
        &token,
        lines(&[product("lamp", "Desk lamp")]).as_bytes(),
    );
    assert_eq!(results[0]["version"], 2);
}
