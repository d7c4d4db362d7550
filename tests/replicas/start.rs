//! Nodes that are started while there is no primary: a spike does not wait for it.

use serde_json::json;

use super::shop::{ENTERS, NOTHING_KEPT, ReplicatedShop, is_said, titled};
use crate::harness::{PATIENCE, Shop, within};

#[test]
fn a_node_that_starts_while_the_primary_is_down_reads_from_replicas_and_writes_once_there_is_one() {
    let mut shop = ReplicatedShop::start(2, 4);
    shop.servers.synchronous(0, 1);
    let (one, other) = (Shop::in_a_file(), Shop::in_a_file());
    let before = shop.serve_anyhow(&one, &[]);
    let writer = shop.writer(&before);
    writer.patch("/products/1", &titled("Before")).with(200);
    let off = json!({ "variant": "off", "reason": "too slow" }).to_string();
    let json = [("content-type", "application/json")];
    before
        .send_admin("PUT", "/admin/flags/search", &json, off)
        .with(200);
    shop.servers.await_replay(1, 0);
    shop.servers.await_replay(2, 0);
    shop.servers.kill(0);
    // With memory: what it keeps meanwhile has to be doubted later on.
    let server = shop.serve_anyhow(&other, &[]);
    is_said(&server, ENTERS, 2);
    assert_eq!(server.document("/products/1")["title"], "Before");
    for id in 2..=4 {
        assert_eq!(server.document(&format!("/products/{id}"))["version"], 1);
    }
    let ready = server.get("/readyz").with(200).json();
    assert_eq!(ready["degraded"]["primary"], "down");
    // What an operator said before counts from the first request on.
    server.get("/search").problem(503, "feature-off");
    let writer = writer.to(&server);
    let refused = writer.patch("/products/2", &titled("Refused"));
    assert_eq!(refused.status, 503, "{refused:?}");
    shop.servers.promote(1);
    // By somebody else, at once: before the node can have seen the new primary.
    shop.write(1, 3, 7);
    within(PATIENCE, "a write", || {
        let reply = writer.patch("/products/2", &titled("After"));
        (reply.status == 200).then_some(())
    });
    assert_eq!(server.document("/products/2")["title"], "After");
    within(PATIENCE, "what somebody else wrote", || {
        (server.document("/products/3")["title"] == "Version 7").then_some(())
    });
    within(PATIENCE, "readiness says that all is well", || {
        let ready = server.get("/readyz").with(200).json();
        ready["degraded"]["primary"].is_null().then_some(())
    });
}

#[test]
fn a_node_does_not_start_with_replicas_whose_schema_is_another_one() {
    let mut shop = ReplicatedShop::start(1, 1);
    let newest = "DELETE FROM refinery_schema_history
        WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    shop.session(0).batch(newest).unwrap();
    shop.servers.await_replay(1, 0);
    shop.servers.kill(0);
    let refused = shop.refuses_to_serve(&NOTHING_KEPT).with(1);
    assert!(
        refused.stderr.contains("cannot connect to PostgreSQL"),
        "{refused:?}"
    );
}
