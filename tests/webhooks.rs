//! Webhooks, from a change to a receiver that answers, refuses, hangs up and redirects.

use serde_json::{Value, json};

use crate::harness::{HANGS, Message, PATIENCE, Receiver, Server, Shop, product, within};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

trait Signed {
    fn signature(&self) -> String;
}

impl Signed for Message {
    /// As Standard Webhooks has it.
    fn signature(&self) -> String {
        use base64::Engine;
        use hmac::{Hmac, KeyInit, Mac};
        let key = base64::prelude::BASE64_STANDARD
            .decode(&SECRET[6..])
            .unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{timestamp}.{}", self.body).as_bytes());
        let signature = mac.finalize().into_bytes();
        format!("v1,{}", base64::prelude::BASE64_STANDARD.encode(signature))
    }
}

fn serve(shop: &Shop, receiver: &Receiver, allow_private: &str) -> Server {
    serve_with(shop, receiver, allow_private, "false")
}

fn serve_with(shop: &Shop, receiver: &Receiver, allow_private: &str, stock: &str) -> Server {
    let url = format!("{}/hook", receiver.url());
    let server = shop.serve_with(
        &[],
        &[
            ("DOORBUSTER_WEBHOOKS_URLS", url.as_str()),
            ("DOORBUSTER_WEBHOOKS_SECRET", SECRET),
            ("DOORBUSTER_WEBHOOKS_ALLOW_PRIVATE", allow_private),
            ("DOORBUSTER_WEBHOOKS_STOCK", stock),
        ],
    );
    // It tells of what comes after the first look.
    within(PATIENCE, "the stream is followed", || {
        let looked = shop
            .database()
            .number("SELECT count(*) FROM outbox_follower WHERE name = 'webhooks'");
        (looked == 1).then_some(())
    });
    server
}

fn lamp(title: &str) -> Value {
    product("lamp", title)
}

#[test]
fn a_change_is_told_once_signed_and_as_it_is() {
    let shop = Shop::with(&[lamp("Lamp")]);
    let receiver = Receiver::start();
    let server = serve(&shop, &receiver, "true");
    // By another process: whoever writes.
    shop.import(&[lamp("Lantern")]);
    let messages = receiver.wait_for(1);
    let message = &messages[0];
    assert_eq!(message.header("webhook-id"), "msg_1_2");
    assert_eq!(message.header("webhook-signature"), message.signature());
    assert_eq!(message.header("content-type"), "application/json");
    let told = message.json();
    assert_eq!(
        (&told["type"], &told["data"]["version"]),
        (&json!("product.updated"), &json!(2))
    );
    assert_eq!(told["data"]["product"], server.document("/products/1"));
    shop.import(&[product("desk", "Desk")]);
    let told = receiver.wait_for(2)[1].json();
    assert_eq!(
        (&told["type"], &told["data"]["id"]),
        (&json!("product.created"), &json!(2))
    );
    let gone = "UPDATE product SET deleted_at = created_at WHERE id = 1";
    shop.database().execute(gone, []).unwrap();
    let told = receiver.wait_for(3)[2].json();
    assert_eq!(
        (&told["type"], &told["data"]["product"]),
        (&json!("product.deleted"), &Value::Null)
    );
    within(PATIENCE, "no delivery is left", || {
        let left = "SELECT count(*) FROM job WHERE kind = 'webhook.deliver'";
        (shop.database().number(left) == 0).then_some(())
    });
    assert_eq!(receiver.messages().len(), 3);
}

#[test]
fn what_is_not_taken_is_told_again_under_the_same_id() {
    let shop = Shop::with(&[lamp("Lamp")]);
    let receiver = Receiver::start();
    receiver.answer(&[500, 0, 302, 429]);
    let _server = serve(&shop, &receiver, "true");
    shop.import(&[lamp("Lantern")]);
    for count in 1..=5 {
        receiver.wait_for(count);
        // The next try would be some seconds, minutes or hours later.
        within(PATIENCE, "it is tried again", || {
            let waits =
                "SELECT count(*) FROM job WHERE kind = 'webhook.deliver' AND state = 'scheduled'";
            (count == 5 || shop.database().number(waits) == 1).then_some(())
        });
        shop.run("jobs", &["retry", "--kind=webhook.deliver"])
            .with(0);
    }
    let messages = receiver.messages();
    assert!(
        messages
            .iter()
            .all(|it| it.header("webhook-id") == "msg_1_2")
    );
    assert!(
        messages
            .iter()
            .all(|it| it.header("webhook-signature") == it.signature())
    );
    let sent = "SELECT count(*) FROM webhook_sent WHERE version = 2";
    within(PATIENCE, "it is noted", || {
        (shop.database().number(sent) == 1).then_some(())
    });
}

/// What a receiver does with the first message is no trouble for other products; what comes later of the same one waits,
/// and is told as it is then.
#[test]
fn a_receiver_that_hangs_or_hangs_up_delays_one_product_alone() {
    for answer in [HANGS, 0] {
        let shop = Shop::with(&[lamp("Lamp"), product("desk", "Desk")]);
        let receiver = Receiver::start();
        receiver.answer(&[answer]);
        let _server = serve(&shop, &receiver, "true");
        shop.import(&[lamp("Lantern")]);
        assert_eq!(receiver.wait_for(1)[0].header("webhook-id"), "msg_1_2");
        shop.import(&[lamp("Torch"), product("desk", "Table")]);
        let messages = receiver.wait_for(2);
        assert_eq!(messages[1].header("webhook-id"), "msg_2_2", "{messages:?}");
        let collected = "SELECT count(*) FROM job WHERE kind = 'webhook.collect'";
        within(PATIENCE, "all changes were passed on", || {
            (shop.database().number(collected) == 0).then_some(())
        });
        // Nobody hurries it: it is tried again after some seconds.
        let messages = receiver.wait_for(3);
        assert_eq!(messages[2].header("webhook-id"), "msg_1_3", "{messages:?}");
        assert_eq!(
            messages[2].header("webhook-signature"),
            messages[2].signature()
        );
        within(PATIENCE, "no delivery is left", || {
            let left = "SELECT count(*) FROM job WHERE kind = 'webhook.deliver'";
            (shop.database().number(left) == 0).then_some(())
        });
        assert_eq!(receiver.messages().len(), 3);
    }
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_until_it_is_replayed() {
    let shop = Shop::with(&[lamp("Lamp")]);
    let receiver = Receiver::start();
    receiver.answer(&[410]);
    let _server = serve(&shop, &receiver, "true");
    shop.import(&[lamp("Lantern")]);
    receiver.wait_for(1);
    let disabled = "SELECT count(*) FROM webhook_disabled";
    within(PATIENCE, "it is left alone", || {
        (shop.database().number(disabled) == 1).then_some(())
    });
    shop.import(&[lamp("Torch")]);
    within(PATIENCE, "the change was passed over", || {
        let done =
            "SELECT count(*) FROM job_ended WHERE kind = 'webhook.deliver' AND state = 'done'";
        (shop.database().number(done) == 2).then_some(())
    });
    assert_eq!(receiver.messages().len(), 1);
    let url = format!("{}/hook", receiver.url());
    let mut replay = shop.command("webhooks");
    replay.args(["replay", &url, "--since=1h", "--json"]);
    replay.env("DOORBUSTER_WEBHOOKS_URLS", &url);
    replay.env("DOORBUSTER_WEBHOOKS_SECRET", SECRET);
    let told = crate::harness::run(&mut replay, &[]).with(0).summary();
    assert_eq!(told["changes"], 3);
    let messages = receiver.wait_for(2);
    assert_eq!(messages[1].json()["data"]["product"]["title"], "Torch");
    assert_eq!(shop.database().number(disabled), 0);
}

#[test]
fn a_private_address_is_not_asked() {
    let shop = Shop::with(&[lamp("Lamp")]);
    let receiver = Receiver::start();
    let _server = serve(&shop, &receiver, "false");
    shop.import(&[lamp("Lantern")]);
    let failed = within(PATIENCE, "a failure", || {
        let listed = shop.run("jobs", &["list", "--kind=webhook.deliver", "--json"]);
        let errors = &listed.with(0).summary()["jobs"][0]["errors"];
        errors[0]["error"].as_str().map(str::to_owned)
    });
    assert!(failed.contains("its address is private"), "{failed}");
    assert!(receiver.messages().is_empty());
}

#[test]
fn exact_stock_is_told_beside_versions() {
    let mut lamp = lamp("Lamp");
    lamp["variants"][0]["inventory"] = json!({ "tracked": true, "on_hand": 90 });
    let shop = Shop::with(&[lamp, product("desk", "Desk")]);
    let receiver = Receiver::start();
    let server = serve_with(&shop, &receiver, "true", "true");
    within(PATIENCE, "stock is followed", || {
        let looked = "SELECT count(*) FROM outbox_follower WHERE name = 'stock'";
        (shop.database().number(looked) == 1).then_some(())
    });
    let bearer = format!("Bearer {}", shop.token("stock:write"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let set = |on_hand: i64| {
        let body = json!({ "on_hand": on_hand }).to_string();
        let path = "/variants/lamp-1/stock";
        server.send("PUT", path, &headers, body).with(200);
    };
    // No level is crossed, so no version is made.
    set(80);
    let first = receiver.wait_for(1).remove(0);
    assert_eq!(first.header("webhook-signature"), first.signature());
    let told = first.json();
    assert_eq!(told["type"], "product.stock_changed");
    assert_eq!(told["data"]["id"], 1);
    let stock = server.document("/products/1/availability");
    assert_eq!(told["data"]["stock"], stock);
    assert_eq!(stock["variants"][0]["on_hand"], 80);
    // The same number is no change.
    set(80);
    // Another program, which knows nothing of webhooks, sells some: seen at the next look, which a change of a version is.
    shop.database()
        .execute("UPDATE inventory SET on_hand = 70 WHERE variant_id = 1", [])
        .unwrap();
    shop.import(&[product("desk", "Table")]);
    let messages = receiver.wait_for(3);
    let of_stock: Vec<_> = messages
        .iter()
        .filter(|it| it.json()["type"] == "product.stock_changed")
        .collect();
    assert_eq!(of_stock.len(), 2, "{messages:?}");
    let last = of_stock[1].json();
    assert_eq!(last["data"]["stock"]["variants"][0]["on_hand"], 70);
    assert_ne!(
        of_stock[0].header("webhook-id"),
        of_stock[1].header("webhook-id")
    );
    // Where nobody is told any more, nothing is noted any more.
    server.stop();
    let server = shop.serve();
    within(PATIENCE, "stock is not followed", || {
        let followed = "SELECT count(*) FROM outbox_follower WHERE name = 'stock'";
        (shop.database().number(followed) == 0).then_some(())
    });
    drop(server);
    shop.database()
        .execute("UPDATE inventory SET on_hand = 60 WHERE variant_id = 1", [])
        .unwrap();
    let noted = "SELECT count(*) FROM stock_change";
    assert_eq!(shop.database().number(noted), 0);
}
