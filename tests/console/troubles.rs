//! Whatever is lost is said at the top of the page.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Browser, Redis, Server, Shop, product, within};
use crate::replicas::shop::ReplicatedShop;

/// The page has it within two seconds on an idle machine; a busy one may take longer.
const SOON: Duration = Duration::from_secs(15);

fn open(server: &Server) -> Browser {
    let mut browser = Browser::open();
    browser.size(1360, 900, "light");
    browser.go(&format!("http://{}/console", server.admin));
    browser.await_that(
        "the first figures",
        "document.querySelector('main')?.hidden === false",
    );
    browser
}

/// Awaits these words among the troubles, or that they are not there any more.
fn says(browser: &mut Browser, words: &str, is_so: bool) {
    let began = Instant::now();
    within(SOON, words, || {
        (browser.text("troubles").contains(words) == is_so).then_some(())
    });
    println!("{words:?} {is_so}: {:?}", began.elapsed());
}

#[test]
fn redis_is_missed_and_welcomed_back() {
    let mut redis = Redis::start();
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_REDIS_URL", &redis.url())]);
    let mut browser = open(&server);
    within(SOON, "it is used", || {
        browser.text("breakers").contains("used").then_some(())
    });
    redis.kill();
    says(&mut browser, "Redis is down", true);
    assert!(browser.text("breakers").contains("open"));
    browser.screenshot("console-redis");
    redis.restart();
    says(&mut browser, "Redis is down", false);
}

#[test]
fn servers_of_the_database_are_missed_one_after_the_other() {
    let mut shop = ReplicatedShop::start(2, 3);
    let server = shop.serve(&[]);
    let servers = &mut shop.servers;
    let mut browser = open(&server);
    within(SOON, "both replicas are read from", || {
        (browser.text("servers").matches("in use").count() == 3).then_some(())
    });
    servers.kill(1);
    says(&mut browser, "1 of 2 replicas not read from", true);
    servers.signal(2, Signal::STOP);
    says(&mut browser, "No replica is read from", true);
    servers.kill(0);
    says(&mut browser, "The primary gives no answer", true);
    says(&mut browser, "The catalogue gives no answer", true);
    browser.screenshot("console-outage");
    servers.signal(2, Signal::CONT);
    says(&mut browser, "The catalogue gives no answer", false);
}

#[test]
fn a_node_that_is_gone_is_seen_to_be() {
    let shop = Shop::empty();
    let server = shop.serve();
    let mut browser = open(&server);
    drop(server);
    within(SOON, "it is seen", || {
        browser
            .text("state-text")
            .contains("no word for")
            .then_some(())
    });
}

#[test]
fn dead_letters_are_shown_and_retried() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    shop.database()
        .execute_batch(
            "INSERT INTO job_ended (id, kind, state, priority, run_at, attempt, max_attempts, fence, payload, errors,
                 created_at, ended_at)
             VALUES (4711, 'gone.kind', 'dead', 0, 0, 3, 3, 3, '{}', '[]', 0, 9000000000000)",
        )
        .unwrap();
    let mut browser = open(&server);
    says(&mut browser, "1 dead letters of gone.kind", true);
    assert!(browser.text("jobs").contains("Retry"));
}
