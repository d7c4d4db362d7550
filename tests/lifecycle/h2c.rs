//! HTTP/2 without TLS, for clients that begin with it.

use std::process::Command;

use rustix::process::Signal;

use crate::harness::{PATIENCE, Raw, Server, Shop, product, within};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Of frames.
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const REQUEST: &str = "GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n";

fn serve(environment: &[(&str, &str)]) -> (Shop, Server) {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut all = vec![("DOORBUSTER_SERVER_H2C", "true")];
    all.extend(environment);
    let server = shop.serve_with(&[], &all);
    (shop, server)
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

/// A request for the product: GET and http of the static table, a path and an authority of its own (RFC 7541).
fn request(stream: u8) -> Vec<u8> {
    let mut fields = vec![0x82, 0x86, 0x04, 11];
    fields.extend_from_slice(b"/products/1");
    fields.extend_from_slice(&[0x01, 4]);
    fields.extend_from_slice(b"shop");
    frame(HEADERS, 5, stream, &fields)
}

/// Reads frames up to one of a kind; its flags and what is in it.
fn until(connection: &mut Raw, kind: u8) -> (u8, Vec<u8>) {
    loop {
        let mut header = [0; 9];
        connection.read_exactly(&mut header);
        let [high, middle, low, of, flags, ..] = header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        connection.read_exactly(&mut payload);
        if of == kind {
            return (flags, payload);
        }
    }
}

/// What curl says of the protocol and the status; an empty text where there was no answer.
fn curl(server: &Server, how: &str) -> String {
    let url = format!("http://{}/products/1", server.public);
    let done = Command::new("curl")
        .args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_version} %{http_code}",
            how,
            &url,
        ])
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    if done.status.success() {
        said
    } else {
        String::new()
    }
}

#[test]
fn clients_choose_by_how_they_begin() {
    let (_shop, server) = serve(&[]);
    assert_eq!(curl(&server, "--http2-prior-knowledge"), "2 200");
    assert_eq!(curl(&server, "--http1.1"), "1.1 200");
    // One that offers to change over goes on as it began.
    assert_eq!(curl(&server, "--http2"), "1.1 200");
    // In whatever pieces it arrives.
    let mut slow = server.connect();
    for byte in PREFACE {
        slow.send([*byte]);
    }
    slow.send(frame(SETTINGS, 0, 0, &[]));
    for stream in [1, 3] {
        slow.send(request(stream));
        let (_, fields) = until(&mut slow, HEADERS);
        // 200 of the static table.
        assert_eq!(fields[0], 0x88);
    }
    let mut slow = server.connect();
    for byte in REQUEST.as_bytes() {
        slow.send([*byte]);
    }
    slow.reply().with(200);
    // A word that begins alike is none.
    let mut similar = server.connect();
    similar.send("PRI * HTTP/1.1\r\nhost: shop\r\n\r\n");
    assert!((400..500).contains(&similar.head().status));
    server.stop();
}

#[test]
fn unless_it_is_on_there_is_none() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    assert_eq!(curl(&server, "--http2-prior-knowledge"), "");
    assert_eq!(curl(&server, "--http1.1"), "1.1 200");
    server.stop();
}

#[test]
fn before_it_stops_a_server_says_goodbye() {
    let (_shop, mut server) = serve(&[
        ("DOORBUSTER_SERVER_DRAIN_GRACE", "300ms"),
        ("DOORBUSTER_SERVER_DRAIN", "1h"),
        ("DOORBUSTER_SERVER_HEADER_TIMEOUT", "1s"),
    ]);
    let mut asked = server.connect();
    asked.send(PREFACE).send(frame(SETTINGS, 0, 0, &[]));
    asked.send(request(1));
    until(&mut asked, HEADERS);
    // These have not said what they are.
    let mut silent = server.connect();
    let mut begun = server.connect();
    begun.send(&PREFACE[..9]);
    let mut old = server.connect();
    old.send(REQUEST).reply().with(200);
    server.program.signal(Signal::TERM);
    let (_, goodbye) = until(&mut asked, GOAWAY);
    assert_eq!(goodbye[4..8], [0; 4], "no error");
    assert_eq!(server.program.wait_for_code(), 0);
    asked.rest();
    for connection in [&mut silent, &mut begun, &mut old] {
        assert_eq!(connection.rest(), b"");
    }
}

#[test]
fn whoever_does_not_say_what_it_is_does_not_stay() {
    let (_shop, server) = serve(&[
        ("DOORBUSTER_SERVER_HEADER_TIMEOUT", "500ms"),
        ("DOORBUSTER_SERVER_MAX_CONNECTIONS", "8"),
    ]);
    for length in [0, 1, PREFACE.len() - 1] {
        let mut connection = server.connect();
        connection.send(&PREFACE[..length]);
        assert_eq!(connection.rest(), b"", "{length}");
    }
    // Where there are too many, newcomers take the places of those that ask nothing.
    let mut idle: Vec<_> = (0..24)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(PREFACE).send(frame(SETTINGS, 0, 0, &[]));
            connection.send(request(1));
            until(&mut connection, HEADERS);
            connection
        })
        .collect();
    idle[0].rest();
    within(PATIENCE, "served", || {
        (server.get("/products/1").status == 200).then_some(())
    });
    server.stop();
}
