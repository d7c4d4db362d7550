//! Upgrades under load over HTTP/2, whose clients keep one connection for all that they ask.

use crate::harness::Curl;

use super::place::Place;

const TIMES: usize = 20;
const CLIENTS: usize = 3;

#[test]
fn twenty_new_versions_over_http2_cost_no_request() {
    let place = Place::new();
    let certificate = place.start_encrypted("");
    let port = place.public.port();
    let client = |number| Curl::start(&place.shop, port, &certificate, &format!("client-{number}"));
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    for version in 1..=TIMES {
        place.put_program(&format!("VERSION={version}; exec \"$SERVER\" \"$@\""));
        place.pm(&["reload"]).with(0);
        // Each has asked the new version, too.
        Curl::await_more(&clients, 20);
    }
    for client in &clients {
        client.assert_whole(TIMES * 20);
        assert!(client.connections() > TIMES, "{}", client.connections());
    }
}
