//! How the server stops, and what a program that is killed leaves behind.

use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Instant;

use rusqlite::ErrorCode;
use rustix::process::Signal;
use serde_json::json;

use crate::harness::{PATIENCE, Program, Raw, Server, Shop, lines, product, within};

/// A response to a client that does not read it: so long that no buffer between the two takes it all.
struct InFlight {
    connection: Raw,
    expected: usize,
}

fn begin_long_response(server: &Server) -> InFlight {
    let mut connection = server.connect();
    connection.send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n");
    let head = connection.head().with(200);
    let expected = head.header("content-length").unwrap().parse().unwrap();
    assert!(expected > 7_000_000, "{expected}");
    InFlight {
        connection,
        expected,
    }
}

/// A shop with a document longer than any import would make it, put there by an outsider.
fn shop_with_a_long_product() -> Shop {
    let shop = Shop::with(&[product("long", "Long")]);
    shop.file_database()
        .execute(
            "UPDATE product_document SET body = '{\"id\":1,\"text\":\"' || hex(zeroblob(4000000)) || '\"}'",
            [],
        )
        .unwrap();
    shop
}

fn is_listening(address: std::net::SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn a_stop_signal_lets_requests_in_flight_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let shop = shop_with_a_long_product();
        let mut server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_DRAIN", "1h")]);
        assert_eq!(
            server.get_admin("/readyz").with(200).json()["status"],
            "ready"
        );
        // Before the other one, whose answer has begun: so it has been accepted, too, when the signal comes.
        let mut half = server.connect();
        half.send("GET /healthz HTTP/1.1\r\nhost:");
        let mut in_flight = begin_long_response(&server);

        server.program.signal(signal);
        within(PATIENCE, "new connections are refused", || {
            (!is_listening(server.public)).then_some(())
        });
        // Operators see it until the end.
        let unready = server.get_admin("/readyz");
        unready.problem(503, "not-ready");
        assert_eq!(unready.header("retry-after"), Some("1"));
        assert_eq!(
            server.get_admin("/healthz").with(200).json()["status"],
            "alive"
        );
        // A request that has begun to arrive is answered.
        half.send(" shop\r\n\r\n");
        let last = half.reply().with(200);
        assert_eq!(last.header("connection"), Some("close"));

        assert_eq!(in_flight.connection.rest().len(), in_flight.expected);
        assert_eq!(server.program.wait_for_code(), 0);
        assert!(!is_listening(server.admin));
    }
}

#[test]
fn idle_connections_do_not_hold_up_a_stop() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_DRAIN", "1h")]);
    let mut idle: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for connection in &mut idle[..4] {
        connection
            .send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
            .reply()
            .with(200);
    }
    server.program.signal(Signal::TERM);
    assert_eq!(server.program.wait_for_code(), 0);
    for connection in &mut idle {
        assert_eq!(connection.rest(), b"");
    }
}

#[test]
fn a_drain_ends_when_its_time_is_up() {
    let shop = shop_with_a_long_product();
    let mut server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_DRAIN", "300ms")]);
    let mut in_flight = begin_long_response(&server);
    let signalled = Instant::now();
    server.program.signal(Signal::TERM);
    assert_eq!(server.program.wait_for_code(), 0);
    let took = signalled.elapsed().as_millis();
    assert!((300..5_000).contains(&took), "{took} ms");
    assert!(in_flight.connection.rest().len() < in_flight.expected);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    for signals in [[Signal::TERM, Signal::TERM], [Signal::TERM, Signal::INT]] {
        let shop = shop_with_a_long_product();
        let mut server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_DRAIN", "1h")]);
        let mut in_flight = begin_long_response(&server);
        server.program.signal(signals[0]);
        server.program.log.wait_for_message("SIGTERM: draining");
        server.program.signal(signals[1]);
        assert_eq!(server.program.wait_for_code(), 0);
        assert!(in_flight.connection.rest().len() < in_flight.expected);
    }
}

#[test]
fn a_server_that_was_killed_starts_again() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut server = shop.serve();
    let before = server.get("/products/1").with(200);
    server.program.signal(Signal::KILL);
    assert_eq!(server.program.wait().code(), None);
    let server = shop.serve();
    assert_eq!(server.get("/products/1").with(200).body, before.body);
    server.stop();
}

#[test]
fn an_import_that_is_killed_leaves_the_catalogue_as_it_was() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let before = shop.export();
    let body = server.get("/products/1").with(200).body;

    let mut command = shop.command("import");
    command
        .args(["--format=jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut import = Program::start(&mut command);
    let mut input = import.child.stdin.take().unwrap();
    let mut products = vec![product("lamp", "Changed")];
    products.extend((0..3_000).map(|number| product(&format!("new-{number}"), "New")));
    // The import reads about 1,100 products ahead of what it writes, and less than half a megabyte ahead
    // of what it has parsed; so once it has taken all of these, many of them are in its transaction.
    input.write_all(lines(&products).as_bytes()).unwrap();
    let locked = shop.file_database();
    locked.busy_timeout(std::time::Duration::ZERO).unwrap();
    let refused = locked.execute_batch("BEGIN IMMEDIATE").unwrap_err();
    assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    // Meanwhile the shop is open.
    assert_eq!(server.get("/products/1").with(200).body, body);
    import.signal(Signal::KILL);
    assert_eq!(import.wait().code(), None);

    assert_eq!(shop.export(), before);
    let check: String = locked
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let summary = shop.import(&products);
    assert_eq!(
        (&summary["created"], &summary["updated"]),
        (&json!(3_000), &json!(1))
    );
    server.get("/products/3001").with(200);
    server.stop();
}
