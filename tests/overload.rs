//! More is asked behind the caches than can be done: who goes first, what is refused, and what is not even asked.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Proxy, Server, Session, Shop, doorbuster, product, within};
use crate::search::await_any_index;

const PRODUCTS: i64 = 400;

/// With so many products, in PostgreSQL, on a server whose log tells of each statement.
fn shop() -> Shop {
    let shop = Shop::empty_in_a_cluster_of_its_own();
    let products = (1..=PRODUCTS).map(|number| product(&format!("lamp-{number}"), "Lamp"));
    shop.import(&products.collect::<Vec<_>>());
    shop
}

/// Serves with a proxy before the database.
fn serve_behind(shop: &Shop, environment: &[(&str, &str)]) -> (Proxy, Server) {
    let url = shop.postgres().url();
    let (host, database) = url.split_once('@').unwrap().1.split_once('/').unwrap();
    let proxy = Proxy::before(host.parse().unwrap());
    let mut command = doorbuster();
    command.arg("serve").arg("--data-dir").arg(shop.data_dir());
    command.arg("--catalog-url");
    command.arg(format!("postgres://shop@{}/{database}", proxy.address()));
    command.envs(environment.iter().copied());
    (proxy, Server::start(&mut command))
}

fn overload(server: &Server) -> Value {
    server.get_admin("/admin/overload").with(200).json()
}

fn store(server: &Server) -> Value {
    let overload = overload(server);
    let mut all = overload["dependencies"].as_array().unwrap().iter();
    all.find(|it| it["name"] == "store").unwrap().clone()
}

fn count_sheds(server: &Server) -> u64 {
    let overload = overload(server);
    let all = overload["dependencies"].as_array().unwrap().iter();
    let sheds = all.flat_map(|it| it["shed"].as_object().unwrap().values());
    sheds.map(|count| count.as_u64().unwrap()).sum()
}

fn log_statements(session: &Session) {
    session
        .batch("ALTER SYSTEM SET log_statement = 'all'")
        .unwrap();
    session.batch("SELECT pg_reload_conf()").unwrap();
    within(PATIENCE, "statements are logged", || {
        let setting: String = session.value("SHOW log_statement");
        (setting == "all").then_some(())
    });
}

/// B4.
#[test]
fn who_does_not_wait_any_more_asks_the_database_nothing() {
    let shop = shop();
    let session = shop.postgres().connect();
    let server = shop.serve();
    let expired = [("x-request-timeout", "0")];
    // Who builds the index reads the same tables.
    await_any_index(&server);
    server.get("/products/1").with(200);
    server.get("/products?limit=1").with(200);
    log_statements(&session);
    let reads = || {
        let log = shop.postgres().log();
        let tables = [
            "product_document",
            "product_listing",
            "review",
            "product_search",
        ];
        let of = |line: &&str| tables.iter().any(|it| line.contains(it));
        // Whether the store answers is asked once a second, of a product that is none.
        let is_probe = |line: &&str| line.ends_with("parameters: $1 = '{0}'");
        log.lines().filter(of).count() - log.lines().filter(is_probe).count()
    };
    let before = reads();
    for path in [
        "/products/2",
        "/products/2?fields=title",
        "/products/by-handle/lamp-3",
        "/products?sort=title",
        "/products?ids=4,5",
        "/products/1/reviews",
        "/products/1/recommendations",
        "/products/1/availability",
        "/categories",
        "/search?q=lamp",
    ] {
        let reply = server.request("GET", path, &expired);
        reply.problem(503, "deadline-exceeded");
        assert_eq!(reply.header("retry-after"), Some("1"), "{path}");
    }
    let token = shop.token("catalog:write");
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        expired[0],
    ];
    let body = product("chair", "Chair").to_string();
    let reply = server.send("POST", "/products", &headers, &body);
    reply.problem(503, "deadline-exceeded");
    assert_eq!(reads(), before, "{}", shop.postgres().log());
    let chairs = "SELECT count(*) FROM product WHERE handle = 'chair'";
    assert_eq!(session.value::<i64>(chairs), 0);
    // What is in memory is answered all the same.
    server.request("GET", "/products/1", &expired).with(200);
    server.get("/products/2").with(200);
    assert!(reads() > before, "the log tells of reads");
}

/// B4, the second half.
#[test]
fn what_is_left_of_the_time_is_what_a_statement_may_take() {
    let shop = shop();
    let session = shop.postgres().connect();
    let server = shop.serve();
    log_statements(&session);
    let soon = [("x-request-timeout", "300ms")];
    server.request("GET", "/products/7", &soon).with(200);
    let told = |log: &str| -> Vec<u64> {
        let limits = log
            .lines()
            .filter_map(|line| line.split_once("SET statement_timeout = "));
        limits
            .filter_map(|(_, limit)| limit.trim().parse().ok())
            .collect()
    };
    let limits = told(&shop.postgres().log());
    assert!(
        limits.iter().any(|limit| (100..=320).contains(limit)),
        "{limits:?}"
    );
    // The client gets its answer in time, and the database has nothing left to do.
    let lock = shop.postgres().connect();
    lock.batch("BEGIN; LOCK TABLE product_document IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let begun = Instant::now();
    let reply = server.request("GET", "/products/8", &soon);
    reply.problem(503, "deadline-exceeded");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    within(PATIENCE, "the database gives it up, too", || {
        let log = shop.postgres().log();
        log.contains("canceling statement due to").then_some(())
    });
    lock.batch("COMMIT").unwrap();
    server.get("/products/8").with(200);
}

/// Asks for paths, one after another, until it is over; returns how often each status was the answer.
fn ask_on(
    server: &Server,
    is_over: &AtomicBool,
    mut path: impl FnMut() -> String,
) -> (u64, u64, Vec<String>) {
    let (mut good, mut shed, mut other) = (0, 0, Vec::new());
    while !is_over.load(Ordering::Acquire) {
        let path = path();
        let reply = server.get(&path);
        match reply.status {
            200 => good += 1,
            503 if reply.json()["code"] == "temporary-reduced-capacity" => {
                assert_eq!(reply.header("retry-after"), Some("1"));
                shed += 1;
            }
            status => other.push(format!("{path}: {status} {}", reply.text())),
        }
    }
    (good, shed, other)
}

/// B1, with a real database that is far away: what matters less gives way, and what matters is served.
#[test]
fn lists_and_reviews_give_way_to_products() {
    let shop = shop();
    let environment = [
        ("DOORBUSTER_CATALOG_POOL_SIZE", "2"),
        // However slow the machine is.
        ("DOORBUSTER_LIMITS_QUEUE_WAIT", "200ms"),
        ("DOORBUSTER_CACHE_HARD_TIMEOUT", "20s"),
    ];
    let (proxy, server) = serve_behind(&shop, &environment);
    server.get("/products/400").with(200);
    proxy.delay(Duration::from_millis(5));
    let is_over = AtomicBool::new(false);
    let (list, next) = (AtomicU64::new(0), AtomicU64::new(0));
    let number = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    let (products, lists, reviews) = thread::scope(|scope| {
        let ask = |path: &'static (dyn Fn(u64) -> String + Sync), counter| {
            let (server, is_over) = (&server, &is_over);
            scope.spawn(move || ask_on(server, is_over, || path(number(counter))))
        };
        let reviews: Vec<_> = (0..16)
            .map(|_| {
                ask(
                    &|n| format!("/products/400/reviews?limit={}", n % 90 + 1),
                    &list,
                )
            })
            .collect();
        let lists: Vec<_> = (0..16)
            .map(|_| {
                ask(
                    &|n| format!("/products?currency=USD&price_min={n}&limit=1"),
                    &list,
                )
            })
            .collect();
        let products = ask(&|n| format!("/products/{}", n % 399 + 1), &next);
        within(PATIENCE, "some were shed, and products were read", || {
            let shed = count_sheds(&server);
            (shed > 50 && next.load(Ordering::Relaxed) > 60).then_some(())
        });
        // Only others are turned away, so nothing has to be refused altogether.
        let pressure = &overload(&server)["pressure"];
        assert!(pressure["shed_ratio"].as_f64() > Some(0.0), "{pressure}");
        assert_eq!(pressure["essential_shed_ratio"], 0.0);
        is_over.store(true, Ordering::Release);
        let sum = |all: Vec<thread::ScopedJoinHandle<'_, (u64, u64, Vec<String>)>>| {
            all.into_iter().map(|one| one.join().unwrap()).fold(
                (0, 0, Vec::new()),
                |(good, shed, mut other), one| {
                    other.extend(one.2);
                    (good + one.0, shed + one.1, other)
                },
            )
        };
        (sum(vec![products]), sum(lists), sum(reviews))
    });
    let store = store(&server);
    assert_eq!(products.1, 0, "no product is shed: {store}");
    assert_eq!(products.2, Vec::<String>::new());
    assert_eq!((lists.2, reviews.2), (vec![], vec![]));
    assert!(lists.0 > 0, "{store}");
    assert!(lists.1 + reviews.1 > 50, "{store}");
    assert_eq!(store["shed"]["product"], 0);
    // One line a second, and not one for each.
    let lines = server
        .program
        .log
        .count(|line| line["dependency"] == "store");
    assert!((1..=30).contains(&lines), "{lines}");
    assert_eq!(
        server
            .program
            .log
            .count(|line| line["message"] == "request failed"),
        0
    );
    // And it is over as soon as it is over.
    proxy.delay(Duration::ZERO);
    within(PATIENCE, "a list", || {
        (server.get("/products?sort=title").status == 200).then_some(())
    });
}

/// Who is about to buy something takes no connection alone.
#[test]
fn the_stock_of_many_products_is_read_in_few_statements() {
    const ASKED: usize = 64;

    let shop = shop();
    let session = shop.postgres().connect();
    let environment = [
        ("DOORBUSTER_CATALOG_POOL_SIZE", "2"),
        // However slow the machine is.
        ("DOORBUSTER_LIMITS_QUEUE_WAIT", "2s"),
        ("DOORBUSTER_CACHE_HARD_TIMEOUT", "20s"),
    ];
    let (proxy, server) = serve_behind(&shop, &environment);
    server.get("/products/400/availability").with(200);
    log_statements(&session);
    proxy.delay(Duration::from_millis(100));
    let stock = |number| server.get(&format!("/products/{number}/availability"));
    let stock = &stock;
    thread::scope(|scope| {
        let asked: Vec<_> = (1..=ASKED)
            .map(|number| (number, scope.spawn(move || stock(number).with(200).json())))
            .collect();
        for (number, asked) in asked {
            assert_eq!(asked.join().unwrap()["product_id"], number);
        }
    });
    let log = shop.postgres().log();
    let of_stock = |line: &&str| line.contains("\"policy\":\"");
    let statements = log.lines().filter(of_stock).count();
    assert!((1..=ASKED / 4).contains(&statements), "{statements}\n{log}");
}

/// B3.
#[test]
fn below_the_limit_nobody_is_shed() {
    let products = (1..=200).map(|number| product(&format!("desk-{number}"), "Desk"));
    let shop = Shop::with(&products.collect::<Vec<_>>());
    let server = shop.serve();
    thread::scope(|scope| {
        for worker in 0..4_u64 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..100_u64 {
                    let number = worker * 100 + round;
                    for path in [
                        format!("/products/{}", number % 200 + 1),
                        format!("/products?currency=USD&price_min={number}&limit=5"),
                        format!("/products/{}/recommendations", number % 200 + 1),
                        format!("/search?q=desk&currency=USD&price_min={number}"),
                    ] {
                        let reply = server.get(&path);
                        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
                    }
                }
            });
        }
    });
    assert_eq!(count_sheds(&server), 0, "{}", overload(&server));
}

#[test]
fn what_is_in_memory_is_answered_whatever_comes() {
    let shop = shop();
    let environment = [
        ("DOORBUSTER_CATALOG_POOL_SIZE", "1"),
        ("DOORBUSTER_LIMITS_QUEUE_WAIT", "1ms"),
    ];
    let (proxy, server) = serve_behind(&shop, &environment);
    server.get("/products/1").with(200);
    proxy.delay(Duration::from_millis(50));
    let is_over = AtomicBool::new(false);
    let list = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            let (server, is_over, list) = (&server, &is_over, &list);
            scope.spawn(move || {
                ask_on(server, is_over, || {
                    let number = list.fetch_add(1, Ordering::Relaxed);
                    format!("/products?currency=USD&price_min={number}&limit=1")
                })
            });
        }
        within(PATIENCE, "sheds", || {
            (count_sheds(&server) > 20).then_some(())
        });
        for _ in 0..200 {
            assert!(
                server
                    .get("/products/1")
                    .with(200)
                    .cache_status()
                    .contains(&"hit")
            );
        }
        is_over.store(true, Ordering::Release);
    });
}

/// B5.
#[test]
fn a_database_that_is_gone_is_asked_again_for_a_tenth_at_most() {
    let shop = shop();
    let (proxy, server) = serve_behind(&shop, &[]);
    server.get("/products/1").with(200);
    proxy.refuse(true);
    proxy.cut();
    let failed = AtomicU64::new(0);
    thread::scope(|scope| {
        for worker in 0..4_u64 {
            let (server, failed) = (&server, &failed);
            scope.spawn(move || {
                for round in 0..500_u64 {
                    let path = format!("/products/{}", 2 + (worker * 500 + round) % 390);
                    let reply = server.get(&path);
                    reply.problem(503, "catalog-unavailable");
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let overload = overload(&server);
    let retries = &overload["retries"];
    let asked_again = retries["retried"].as_u64().unwrap();
    let asked = failed.load(Ordering::Relaxed);
    assert_eq!(asked, 2_000);
    assert!(asked_again <= asked / 10, "{overload}");
    // Not even a first time, most of them.
    assert!(retries["asked"].as_u64().unwrap() < asked / 2, "{overload}");
    assert_ne!(store(&server)["breaker"], "closed");
    proxy.refuse(false);
    within(PATIENCE, "it is read again", || {
        (server.get("/products/2").status == 200).then_some(())
    });
    within(PATIENCE, "the breaker is closed", || {
        (store(&server)["breaker"] == "closed").then_some(())
    });
}

#[test]
fn it_may_be_switched_off() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_LIMITS_OVERLOAD", "false")]);
    server.get("/products?limit=1").with(200);
    let overload = overload(&server);
    assert_eq!(overload["enabled"], json!(false));
    assert_eq!(overload["dependencies"], json!([]));
    // Each worker is measured all the same.
    assert!(!overload["workers"].as_array().unwrap().is_empty());
    let late = server.request("GET", "/products?limit=2", &[("x-request-timeout", "0")]);
    late.problem(503, "deadline-exceeded");
}
