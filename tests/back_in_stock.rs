//! Being told that a product is there again, from the sign-up to the mail.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A shop whose lamp, product 1, is sold out.
fn shop() -> Shop {
    let mut lamp = product("lamp", "Lamp");
    lamp["variants"][0]["inventory"] = json!({ "tracked": true, "on_hand": 0 });
    Shop::with(&[lamp])
}

fn sign_up(server: &Server, email: &str) -> Reply {
    let body = json!({ "email": email }).to_string();
    server.send("POST", "/products/1/back-in-stock", &JSON, body)
}

fn folder(shop: &Shop) -> PathBuf {
    shop.data_dir().join("mail")
}

/// Mails to an address, oldest first.
fn mails(shop: &Shop, to: &str) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder(shop)) else {
        return Vec::new();
    };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    files.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    let texts = files
        .into_iter()
        .map(|path| fs::read_to_string(path).unwrap());
    texts
        .filter(|text| text.lines().any(|line| line == format!("To: {to}")))
        .map(|text| unfolded(&text))
        .collect()
}

/// Without the soft breaks and escapes of quoted-printable.
fn unfolded(text: &str) -> String {
    text.replace("=\r\n", "").replace("=3D", "=")
}

fn wait_for_mails(shop: &Shop, to: &str, count: usize) -> Vec<String> {
    within(PATIENCE, "mails", || {
        let mails = mails(shop, to);
        (mails.len() >= count).then_some(mails)
    })
}

/// The paths of the links in a mail, in order.
fn links(mail: &str) -> Vec<String> {
    let parts = mail.split("http://localhost:8080").skip(1);
    let paths = parts.map(|rest| {
        rest.split([' ', '\r', '\n', '>'])
            .next()
            .unwrap()
            .to_owned()
    });
    // The first stands in the head.
    paths.skip(1).collect()
}

fn confirm(shop: &Shop, server: &Server, email: &str) {
    sign_up(server, email).with(202);
    let mail = wait_for_mails(shop, email, 1).remove(0);
    let link = links(&mail).remove(0);
    let page = server.get(&link).with(200);
    assert!(page.text().contains("<form method=\"post\">"));
    server.send("POST", &link, &[], "").with(200);
}

fn restock(shop: &Shop, server: &Server, on_hand: i64) {
    let token = shop.token("stock:write");
    let bearer = format!("Bearer {token}");
    let headers = [JSON[0], ("authorization", bearer.as_str())];
    let body = json!({ "on_hand": on_hand }).to_string();
    server
        .send("PUT", "/variants/lamp-1/stock", &headers, body)
        .with(200);
}

fn jobs(shop: &Shop, kind: &str, state: &str) -> usize {
    let state = format!("--state={state}");
    let listed = shop
        .run("jobs", &["list", &state, "--json"])
        .with(0)
        .summary();
    let jobs = listed["jobs"].as_array().unwrap().iter();
    jobs.filter(|job: &&Value| job["kind"] == kind).count()
}

#[test]
fn who_confirmed_is_told_once_in_order() {
    let shop = shop();
    let server = shop.serve();
    for email in ["ada@example.com", "bob@example.com"] {
        confirm(&shop, &server, email);
    }
    // Signed up, and never said that it was them.
    sign_up(&server, "eve@example.com").with(202);
    wait_for_mails(&shop, "eve@example.com", 1);
    restock(&shop, &server, 3);
    let bob = wait_for_mails(&shop, "bob@example.com", 2);
    let ada = mails(&shop, "ada@example.com");
    assert_eq!((ada.len(), bob.len()), (2, 2), "{ada:?} {bob:?}");
    assert!(ada[1].contains("Subject: There again: Lamp"), "{}", ada[1]);
    assert!(ada[1].contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    // By numbers: the one was made due, and told, before the other.
    let told = |number: u32| folder(&shop).join(format!("back-in-stock.{number}.eml"));
    let time = |number| fs::metadata(told(number)).unwrap().modified().unwrap();
    assert!(time(1) < time(2));
    assert!(!told(3).exists());
    // Nothing is kept of those who were told, and nothing comes twice.
    within(PATIENCE, "both jobs are done", || {
        (jobs(&shop, "mail.back_in_stock", "done") == 2).then_some(())
    });
    let left = "SELECT count(*) FROM back_in_stock WHERE email <> 'eve@example.com'";
    assert_eq!(shop.database().number(left), 0);
    restock(&shop, &server, 0);
    restock(&shop, &server, 5);
    within(PATIENCE, "the change was looked at", || {
        (server.document("/products/1")["availability"] != "out_of_stock").then_some(())
    });
    assert_eq!(mails(&shop, "ada@example.com").len(), 2);
}

#[test]
fn who_confirms_when_it_is_there_is_told_at_once() {
    let shop = shop();
    let server = shop.serve();
    sign_up(&server, "ada@example.com").with(202);
    let mail = wait_for_mails(&shop, "ada@example.com", 1).remove(0);
    restock(&shop, &server, 9);
    let link = links(&mail).remove(0);
    server.send("POST", &link, &[], "").with(200);
    wait_for_mails(&shop, "ada@example.com", 2);
    // Once more by the same link: there is nobody any more.
    server.send("POST", &link, &[], "").with(200);
    assert_eq!(jobs(&shop, "mail.back_in_stock", "ready"), 0);
}

#[test]
fn who_wants_no_mail_gets_none() {
    let shop = shop();
    let server = shop.serve();
    sign_up(&server, "ada@example.com").with(202);
    let mail = wait_for_mails(&shop, "ada@example.com", 1).remove(0);
    let [confirm, unsubscribe] = &links(&mail)[..] else {
        panic!("{mail}");
    };
    server.send("POST", confirm, &[], "").with(200);
    let page = server.get(unsubscribe).with(200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(
        shop.database().number("SELECT count(*) FROM back_in_stock"),
        1,
        "a look ends nothing"
    );
    // As a mailbox does it.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    server
        .send("POST", unsubscribe, &form, "List-Unsubscribe=One-Click")
        .with(200);
    assert_eq!(
        shop.database().number("SELECT count(*) FROM back_in_stock"),
        0
    );
    server
        .send("POST", unsubscribe, &form, "List-Unsubscribe=One-Click")
        .with(200);
}

#[test]
fn nobody_is_buried_in_mails_and_nobody_is_told_who_signed_up() {
    let shop = shop();
    let server = shop.serve();
    let first = sign_up(&server, "ada@example.com").with(202).json();
    assert_eq!(first, json!({ "product_id": 1, "status": "unconfirmed" }));
    assert_eq!(sign_up(&server, "ADA@example.com").with(202).json(), first);
    wait_for_mails(&shop, "ada@example.com", 1);
    assert_eq!(
        shop.database().number("SELECT count(*) FROM back_in_stock"),
        1
    );
    for wrong in [
        json!({}),
        json!({ "email": "ada" }),
        json!({ "email": "a@b.c", "x": 1 }),
    ] {
        let reply = server.send(
            "POST",
            "/products/1/back-in-stock",
            &JSON,
            wrong.to_string(),
        );
        reply.problem(422, "invalid-sign-up");
    }
    let body = json!({ "email": "ada@example.com" }).to_string();
    let reply = server.send("POST", "/products/99/back-in-stock", &JSON, body);
    reply.problem(404, "product-not-found");
    server
        .get("/products/1/back-in-stock")
        .problem(405, "method-not-allowed");
    server
        .get("/back-in-stock/abc")
        .problem(404, "link-not-found");
    server
        .send("POST", "/back-in-stock/abc", &[], "")
        .problem(404, "link-not-found");
}

#[test]
fn an_address_gets_five_mails_that_it_did_not_ask_for_at_most() {
    let products: Vec<_> = (1..=7)
        .map(|number| product(&format!("p{number}"), "Lamp"))
        .collect();
    let shop = Shop::with(&products);
    let server = shop.serve();
    for number in 1..=7 {
        let path = format!("/products/{number}/back-in-stock");
        let body = json!({ "email": "ada@example.com" }).to_string();
        server.send("POST", &path, &JSON, body).with(202);
    }
    assert_eq!(
        shop.database().number("SELECT count(*) FROM back_in_stock"),
        5
    );
}
