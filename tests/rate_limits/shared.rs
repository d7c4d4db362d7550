//! Limits that two nodes share over a Redis.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{POLICY, hourly, shop};
use crate::harness::{PATIENCE, Redis, Sentinels, Server, Shop, within};

/// Nodes that share the limits.
const NODES: usize = 2;
/// Connections to each node in the tests of many requests.
const CONNECTIONS: usize = 50;
/// Requests on each of them.
const EACH: usize = 20;

/// `redis_timeout` is what a request waits at most.
fn serve(shop: &Shop, redis: &Redis, policy: &Value, redis_timeout: &str) -> Server {
    serve_at(shop, &redis.url(), policy, redis_timeout)
}

fn serve_at(shop: &Shop, redis: &str, policy: &Value, redis_timeout: &str) -> Server {
    let policies = json!([policy]).to_string();
    let environment = [
        (POLICY, policies.as_str()),
        ("DOORBUSTER_LIMITS_NODES", "2"),
        ("DOORBUSTER_LIMITS_REDIS_TIMEOUT", redis_timeout),
    ];
    let server = shop.serve_with(&["--redis-url", redis], &environment);
    await_redis(&server, true);
    server
}

fn counted(quota: u32, counting: &str) -> Value {
    let mut policy = hourly("all", quota);
    policy["counting"] = json!(counting);
    policy
}

fn status(server: &Server) -> Value {
    server.get_admin("/admin/limits").with(200).json()
}

fn count(server: &Server, name: &str) -> u64 {
    status(server)["policies"][0]["counts"][name]
        .as_u64()
        .unwrap()
}

fn await_redis(server: &Server, is_up: bool) {
    within(PATIENCE, "what the node knows of Redis", || {
        (status(server)["redis"]["up"] == is_up).then_some(())
    });
}

/// Asks both nodes on many connections at once; how many requests passed. Others were refused as they have to be.
fn passed(servers: &[Server; NODES]) -> usize {
    let barrier = Barrier::new(NODES * CONNECTIONS);
    thread::scope(|scope| {
        let clients = servers.iter().flat_map(|server| [server; CONNECTIONS]);
        let asking: Vec<_> = clients
            .map(|server| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut connection = server.connect();
                    barrier.wait();
                    let replies = (0..EACH).map(|_| {
                        let request = "GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n";
                        let reply = connection.send(request).reply();
                        if reply.status != 200 {
                            reply.problem(429, "quota-exceeded");
                        }
                        usize::from(reply.status == 200)
                    });
                    replies.sum::<usize>()
                })
            })
            .collect();
        asking.into_iter().map(|it| it.join().unwrap()).sum()
    })
}

/// A1.
#[test]
fn two_nodes_let_exactly_a_hundred_of_two_thousand_pass() {
    let shop = shop();
    let redis = Redis::start();
    let policy = counted(100, "strict");
    let servers = [(); NODES].map(|()| serve(&shop, &redis, &policy, "10s"));
    assert_eq!(passed(&servers), 100);
    for server in &servers {
        assert_eq!(count(server, "fallback"), 0);
    }
}

/// A1: of 100 a node takes five ahead at most, so at the end as many may lie unused with each.
#[test]
fn leases_stay_within_the_bound_that_is_documented() {
    let shop = shop();
    let redis = Redis::start();
    let policy = counted(100, "leased");
    let servers = [(); NODES].map(|()| serve(&shop, &redis, &policy, "10s"));
    let passed = passed(&servers);
    assert!((90..=100).contains(&passed), "{passed}");
    for server in &servers {
        assert_eq!(count(server, "fallback"), 0);
        assert!(count(server, "remembered") > 0);
    }
}

/// A3: once refused, a client costs Redis nothing.
#[test]
fn who_is_refused_is_not_asked_about_again() {
    let shop = shop();
    let redis = Redis::start();
    let server = serve(&shop, &redis, &counted(3, "strict"), "10s");
    let calls = || {
        let stats: String = redis.run("INFO commandstats");
        let line = stats
            .lines()
            .find(|line| line.starts_with("cmdstat_hmget:"));
        let calls = line.and_then(|line| line.split("calls=").nth(1)?.split(',').next());
        calls.map_or(0, |calls| calls.parse::<u64>().unwrap())
    };
    let replies = [(); 3].map(|()| server.get("/products/1").with(200));
    assert_eq!(super::standing(&replies[2], "all").0, 0);
    assert_eq!(calls(), 3);
    for _ in 0..50 {
        let reply = server.get("/products/1");
        reply.problem(429, "quota-exceeded");
        let (_, after) = super::standing(&reply, "all");
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=1_200).contains(&wait) && wait >= after, "{reply:?}");
    }
    // The first refusal came from Redis, all others from memory.
    assert_eq!(calls(), 4);
    assert_eq!(count(&server, "remembered"), 49);
}

/// A2: neither open nor shut, and back when Redis is.
#[test]
fn while_redis_is_frozen_each_node_allows_its_part() {
    let shop = shop();
    let redis = Redis::start();
    let server = serve(&shop, &redis, &counted(20, "strict"), "100ms");
    server.get("/products/1").with(200);
    redis.signal(Signal::STOP);
    let seen: Vec<_> = (0..30).map(|_| server.get("/products/1").status).collect();
    let allowed = seen.iter().filter(|status| **status == 200).count();
    redis.signal(Signal::CONT);
    assert_eq!(allowed, 10, "{seen:?}");
    assert!(seen.iter().all(|status| [200, 429].contains(status)));
    assert_eq!(count(&server, "fallback"), 30);
    // Three went unanswered, then nobody waited.
    assert_eq!(status(&server)["redis"]["unanswered"], 3);
    await_redis(&server, true);
    // Redis counts again: what it has is that of before, and of those it did late.
    let reply = server.get("/products/1").with(200);
    let remaining = super::standing(&reply, "all").0;
    assert!((15..=18).contains(&remaining), "{reply:?}");
    assert_eq!(count(&server, "fallback"), 30);
}

#[test]
fn a_redis_that_forgets_its_scripts_goes_on_counting() {
    let shop = shop();
    let redis = Redis::start();
    let server = serve(&shop, &redis, &counted(2, "strict"), "10s");
    server.get("/products/1").with(200);
    redis.run::<()>("SCRIPT FLUSH");
    server.get("/products/1").with(200);
    server.get("/products/1").with(429);
    assert_eq!(count(&server, "fallback"), 0);
}

/// One that was cut off from its Sentinels takes itself for the master for good: what it counts, no other node knows of.
#[test]
fn a_master_that_only_it_takes_for_one_is_left_for_the_new_one() {
    let shop = shop();
    let group = Sentinels::start();
    let server = serve_at(&shop, &group.url(), &counted(1_000_000, "strict"), "10s");
    server.get("/products/1").with(200);
    group.promote_behind_the_back_of_the_master();
    let key = "doorbuster:limit:{all:127.0.0.1}";
    group.replica.run::<()>(&format!("DEL {key}"));
    within(2 * PATIENCE, "the new master counts", || {
        server.get("/products/1").with(200);
        group
            .replica
            .run::<bool>(&format!("EXISTS {key}"))
            .then_some(())
    });
    server.stop();
}

/// Limits that come into force at run time find Redis, too; and one that is away at first is found later.
#[test]
fn a_redis_that_comes_late_counts_from_then_on() {
    let shop = shop();
    let mut redis = Redis::start();
    let environment = [("DOORBUSTER_LIMITS_REDIS_TIMEOUT", "10s")];
    let server = shop.serve_with(&["--redis-url", &redis.url()], &environment);
    assert_eq!(status(&server)["redis"], Value::Null);
    redis.kill();
    let headers = [("content-type", "application/json")];
    let body = json!({ "policies": [counted(5, "strict")] }).to_string();
    server
        .send_admin("PUT", "/admin/limits", &headers, body)
        .with(200);
    server.get("/products/1").with(200);
    assert_eq!(count(&server, "fallback"), 1);
    redis.restart();
    await_redis(&server, true);
    let reply = server.get("/products/1").with(200);
    assert_eq!(super::standing(&reply, "all").0, 4);
    assert_eq!(count(&server, "fallback"), 1);
    let idle = Duration::from_hours(1);
    let expiry: i64 = redis.run("PTTL doorbuster:limit:{all:127.0.0.1}");
    assert!(
        (1..=i64::try_from(idle.as_millis()).unwrap() / 5 + 1).contains(&expiry),
        "{expiry}"
    );
}
