//! The steps of a stop: unready, connections closed by their answers, no more accepted.

use rustix::process::Signal;

use crate::harness::{PATIENCE, Raw, Server, Shop, product, within};

const REQUEST: &str = "GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n";

fn serve(shop: &Shop, grace: &str) -> Server {
    let environment = [
        ("DOORBUSTER_SERVER_DRAIN_GRACE", grace),
        ("DOORBUSTER_SERVER_DRAIN", "1h"),
    ];
    shop.serve_with(&[], &environment)
}

/// Asks on a connection, and whether it was told to come by another one.
fn is_closed_by_an_answer(connection: &mut Raw) -> bool {
    let reply = connection.send(REQUEST).reply().with(200);
    let closes = reply.header("connection") == Some("close");
    if closes {
        assert_eq!(connection.rest(), b"");
    }
    closes
}

#[test]
fn before_it_stops_a_server_is_unready_and_sends_connections_away() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut server = serve(&shop, "1h");
    let mut idle: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for connection in &mut idle {
        assert!(!is_closed_by_an_answer(connection));
    }
    server.program.signal(Signal::TERM);
    server.program.log.wait_for_message("SIGTERM: draining");
    // Load balancers see it at either address.
    within(PATIENCE, "not ready", || {
        (server.get("/readyz").status == 503).then_some(())
    });
    server.get_admin("/readyz").problem(503, "not-ready");
    server.get("/healthz").with(200);
    // Who was connected gets an answer, and a word that it was the last one. So does who comes now.
    for connection in &mut idle {
        assert!(is_closed_by_an_answer(connection));
    }
    assert!(is_closed_by_an_answer(&mut server.connect()));
    server.program.signal(Signal::TERM);
    assert_eq!(server.program.wait_for_code(), 0);
}

#[test]
fn when_the_grace_is_over_it_ends() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut server = serve(&shop, "300ms");
    let mut idle = server.connect();
    assert!(!is_closed_by_an_answer(&mut idle));
    server.program.signal(Signal::TERM);
    assert_eq!(server.program.wait_for_code(), 0);
    assert_eq!(idle.rest(), b"");
}

#[test]
fn a_server_that_hands_over_accepts_no_more_at_once_and_stays_ready() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut server = serve(&shop, "1h");
    let mut connection = server.connect();
    assert!(!is_closed_by_an_answer(&mut connection));
    let mut readiness = server.connect();
    readiness.send("GET /readyz HTTP/1.1\r\nhost: shop\r\n\r\n");
    readiness.reply().with(200);
    server.program.signal(Signal::QUIT);
    server.program.log.wait_for_message("SIGQUIT: draining");
    readiness.send("GET /readyz HTTP/1.1\r\nhost: shop\r\n\r\n");
    readiness.reply().with(200);
    assert!(is_closed_by_an_answer(&mut connection));
    // It waits for the process that takes over.
    let mut waiting = server.connect();
    waiting.send(REQUEST);
    server.program.signal(Signal::TERM);
    assert_eq!(server.program.wait_for_code(), 0);
    assert_eq!(waiting.rest(), b"");
}
