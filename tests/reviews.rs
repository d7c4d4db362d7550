//! Reviews that customers send, from the request to the rating of the product.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn review(customer: &str) -> Value {
    json!({
        "rating": 4,
        "title": "Stands well",
        "body": "Lights the whole desk, and does not flicker.",
        "author": "Ada",
        "customer": customer,
    })
}

fn send(server: &Server, review: &Value) -> Reply {
    server.send("POST", "/products/1/reviews", &JSON, review.to_string())
}

fn submitted(server: &Server, review: &Value) -> String {
    let reply = send(server, review).with(202);
    assert_eq!(reply.json()["status"], "pending");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.header("location").unwrap().to_owned()
}

/// What became of a review that is decided on.
fn decided(server: &Server, location: &str) -> Value {
    within(PATIENCE, "a decision", || {
        let told = server.get(location).with(200).json();
        (told["status"] != "pending").then_some(told)
    })
}

fn shop() -> Shop {
    let mut lamp = product("lamp", "Lamp");
    lamp["rating"] = json!({ "sum": 10, "count": 2 });
    Shop::with(&[lamp])
}

fn titles(server: &Server) -> Vec<String> {
    let page = server.get("/products/1/reviews").with(200).json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|it| it["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_review_is_published_and_counts_once() {
    let shop = shop();
    let server = shop.serve();
    let before = server.document("/products/1");
    assert_eq!(before["rating"], json!({ "average": 5.0, "count": 2 }));
    let location = submitted(&server, &review("ada@example.com"));
    let told = decided(&server, &location);
    assert_eq!(told["status"], "published", "{told}");
    assert!(told.get("reason").is_none() && told.get("body").is_none());
    within(PATIENCE, "the review is shown", || {
        (titles(&server) == ["Stands well"]).then_some(())
    });
    let other = submitted(
        &server,
        &json!({
            "rating": 1, "body": "Mine fell over on the first day.", "author": "Bob", "customer": "b-77",
        }),
    );
    assert_eq!(decided(&server, &other)["status"], "published");
    // Ten seconds after the first of them, and once for both.
    let rated = within(PATIENCE, "the rating has both", || {
        let document = server.document("/products/1");
        (document["rating"]["count"] == 4).then_some(document)
    });
    assert_eq!(rated["rating"]["average"], json!(3.8));
    assert_eq!(
        rated["version"].as_u64(),
        before["version"].as_u64().map(|it| it + 1)
    );
    let stats = shop.run("jobs", &["stats", "--json"]).with(0).summary();
    let kinds = stats["kinds"].as_array().unwrap();
    assert!(
        kinds
            .iter()
            .all(|kind| kind["dead"] == 0 && kind["ready"] == 0),
        "{stats}"
    );
    let done = shop
        .run("jobs", &["list", "--state=done", "--json"])
        .with(0)
        .summary();
    let done = done["jobs"].as_array().unwrap();
    let of = |kind: &str| done.iter().filter(|job| job["kind"] == kind).count();
    assert_eq!(
        (of("review.moderate"), of("rating.refresh")),
        (2, 1),
        "{done:?}"
    );
    // Nobody is known by what is kept.
    assert!(!done.iter().any(|job| job.to_string().contains("ada")));
}

#[test]
fn each_customer_has_one_review_until_it_is_rejected() {
    let shop = shop();
    let environment = [("DOORBUSTER_REVIEWS_WORDS", "schund,rubbish")];
    let server = shop.serve_with(&[], &environment);
    let mut rude = review("ada@example.com");
    rude["body"] = "This is RUBBISH, do not buy it.".into();
    let location = submitted(&server, &rude);
    let told = decided(&server, &location);
    assert_eq!(
        (&told["status"], &told["reason"]),
        (&json!("rejected"), &json!("words"))
    );
    let location = submitted(&server, &review("ada@example.com"));
    send(&server, &review("ada@example.com")).problem(409, "review-sent-before");
    assert_eq!(decided(&server, &location)["status"], "published");
    send(&server, &review("ada@example.com")).problem(409, "review-sent-before");
    submitted(&server, &review("bob@example.com"));
}

#[test]
fn a_person_decides_where_the_shop_says_so() {
    let shop = shop();
    let server = shop.serve_with(&[], &[("DOORBUSTER_REVIEWS_HOLD", "true")]);
    let first = submitted(&server, &review("a"));
    let second = submitted(&server, &review("b"));
    for location in [&first, &second] {
        assert_eq!(decided(&server, location)["status"], "held");
    }
    let held = server.get_admin("/admin/reviews").with(200).json();
    let held = held["reviews"].as_array().unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[0]["body"], review("a")["body"]);
    let decide = |review: &Value, status: &str| {
        let path = format!("/admin/reviews/{}", review["id"]);
        let body = json!({ "status": status }).to_string();
        server.send_admin("POST", &path, &JSON, body)
    };
    assert_eq!(
        decide(&held[0], "published").with(200).json()["status"],
        "published"
    );
    assert_eq!(
        decide(&held[1], "rejected").with(200).json()["status"],
        "rejected"
    );
    // Decided is decided.
    assert_eq!(
        decide(&held[1], "published").with(200).json()["status"],
        "rejected"
    );
    decide(&held[0], "lost").problem(400, "invalid-decision");
    decide(&json!({ "id": 4_711 }), "published").problem(404, "review-not-found");
    let page = [JSON[0], ("origin", "https://evil.example")];
    server
        .send_admin("POST", "/admin/reviews/1", &page, "{}")
        .problem(403, "page-refused");
    assert_eq!(decided(&server, &first)["status"], "published");
    assert_eq!(decided(&server, &second)["reason"], "person");
    within(PATIENCE, "one of them is shown", || {
        (titles(&server).len() == 1).then_some(())
    });
}

#[test]
fn what_is_no_review_is_refused() {
    let shop = shop();
    let server = shop.serve();
    let mut wrong = review("a");
    wrong["rating"] = 0.into();
    wrong["stars"] = 5.into();
    let pointers = send(&server, &wrong).pointers(422, "invalid-review");
    assert_eq!(pointers, ["/rating", "/stars"]);
    send(&server, &json!([])).pointers(422, "invalid-review");
    let post = |path: &str, body: &str| server.send("POST", path, &JSON, body);
    let good = review("a").to_string();
    post("/products/1/reviews", "{").problem(400, "invalid-json");
    post("/products/2/reviews", &good).problem(404, "product-not-found");
    post("/products/x/reviews", &good).problem(400, "invalid-product-id");
    post("/products/1/reviews?draft=1", &good).problem(400, "invalid-query");
    let untyped = server.send("POST", "/products/1/reviews", &[], &good);
    untyped.problem(415, "unsupported-media-type");
    let long = json!({ "body": "x".repeat(200_000) }).to_string();
    post("/products/1/reviews", &long).problem(413, "body-too-large");
    server
        .get("/products/1/reviews/1")
        .problem(404, "review-not-found");
    server
        .get("/products/1/reviews/x")
        .problem(404, "review-not-found");
    // Nothing was kept.
    assert_eq!(
        shop.database()
            .number("SELECT count(*) FROM review_submission"),
        0
    );
    assert_eq!(shop.database().number("SELECT count(*) FROM job"), 0);
}

#[test]
fn a_review_that_was_taken_survives_the_server() {
    let shop = shop();
    let server = shop.serve_with(&[], &[("DOORBUSTER_JOBS_SERVE", "false")]);
    let location = submitted(&server, &review("a"));
    drop(server);
    assert_eq!(shop.database().number("SELECT count(*) FROM job"), 1);
    let server = shop.serve_with(&[], &[("DOORBUSTER_JOBS_SERVE", "false")]);
    assert_eq!(server.get(&location).with(200).json()["status"], "pending");
    // Another process does it.
    let mut work = crate::harness::Program::start(&mut shop.command("work"));
    assert_eq!(decided(&server, &location)["status"], "published");
    work.signal(rustix::process::Signal::TERM);
    assert_eq!(work.wait_for_code(), 0);
}

#[test]
fn a_job_bears_the_id_of_its_request_whoever_chose_it() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let shop = shop();
    let server = shop.serve();
    for (customer, sent, more) in [
        ("a", None, ""),
        ("b", Some(("x-request-id", "mine-1")), ""),
        ("c", Some(("traceparent", TRACE)), TRACE),
    ] {
        let headers: Vec<_> = JSON.into_iter().chain(sent).collect();
        let body = review(customer).to_string();
        let reply = server
            .send("POST", "/products/1/reviews", &headers, body)
            .with(202);
        let id = reply.header("x-request-id").unwrap();
        let number = reply.json()["id"].clone();
        let job = within(PATIENCE, "the job is done", || {
            let listed = shop.run("jobs", &["list", "--kind=review.moderate", "--json"]);
            let listed = listed.with(0).summary();
            let mut jobs = listed["jobs"].as_array().unwrap().iter();
            jobs.find(|job| job["payload"]["submission"] == number && job["state"] == "done")
                .cloned()
        });
        let expected = format!("{id} {more}");
        assert_eq!(job["trace"], expected.trim_end());
    }
}
