//! Webhooks, from a change to a receiver that answers, refuses, hangs up and redirects.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Server, Shop, product, within};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver was sent.
#[derive(Debug, Clone)]
struct Message {
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

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

#[derive(Default)]
struct Shared {
    messages: Mutex<Vec<Message>>,
    /// Statuses of the next answers; 0 hangs up. 204 where there is none.
    answers: Mutex<VecDeque<u16>>,
}

/// A receiver, until the test ends.
struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let of = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let of = Arc::clone(&of);
                thread::spawn(move || of.serve(&stream));
            }
        });
        Self { address, shared }
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn answer(&self, statuses: &[u16]) {
        self.shared.answers.lock().unwrap().extend(statuses);
    }

    fn messages(&self) -> Vec<Message> {
        self.shared.messages.lock().unwrap().clone()
    }

    fn wait_for(&self, count: usize) -> Vec<Message> {
        within(PATIENCE, "messages", || {
            let messages = self.messages();
            (messages.len() >= count).then_some(messages)
        })
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    if line.trim_end().is_empty() {
                        break;
                    }
                    continue;
                };
                headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
            let length = headers.iter().find(|(name, _)| name == "content-length")?;
            let mut body = vec![0; length.1.parse().ok()?];
            reader.read_exact(&mut body).ok()?;
            let body = String::from_utf8(body).ok()?;
            self.messages
                .lock()
                .unwrap()
                .push(Message { headers, body });
            let status = self.answers.lock().unwrap().pop_front().unwrap_or(204);
            if status == 0 {
                return None;
            }
            let answer = format!(
                "HTTP/1.1 {status} It\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
            );
            let mut stream = stream;
            stream.write_all(answer.as_bytes()).ok()?;
        }
    }
}

fn serve(shop: &Shop, receiver: &Receiver, allow_private: &str) -> Server {
    let url = receiver.url();
    let server = shop.serve_with(
        &[],
        &[
            ("DOORBUSTER_WEBHOOKS_URLS", url.as_str()),
            ("DOORBUSTER_WEBHOOKS_SECRET", SECRET),
            ("DOORBUSTER_WEBHOOKS_ALLOW_PRIVATE", allow_private),
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
    let url = receiver.url();
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
