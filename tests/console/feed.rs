//! What is lost is in the feed of the console within two seconds.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Program, Raw, Redis, Server, Shop, product, within};
use crate::replicas::shop::ReplicatedShop;

const SOON: Duration = Duration::from_secs(2);
/// A busy machine may be late for any of them: of so many losses in a row one has to be told of in time.
const TRIES: usize = 5;

/// Somebody who listens.
struct Feed(Raw);

impl Feed {
    fn open(server: &Server) -> Self {
        let mut raw = server.connect_admin();
        raw.send("GET /console/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
        assert_eq!(raw.head().status, 200);
        Self(raw)
    }

    fn next(&mut self) -> Value {
        let mut event = Vec::new();
        while !event.ends_with(b"\n\n") {
            event.extend(self.0.chunk().expect("it goes on"));
        }
        serde_json::from_slice(event.strip_prefix(b"data: ").unwrap()).unwrap()
    }

    /// Awaits that it says so.
    #[track_caller]
    fn until(&mut self, is_so: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        loop {
            let event = self.next();
            if is_so(&event) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{event:#}");
        }
    }

    /// Loses something and has it mended, over and over, until the loss was told of in time.
    #[track_caller]
    fn tells_soon(
        &mut self,
        words: &str,
        is_lost: impl Fn(&Value) -> bool,
        lose: impl Fn(),
        mend: impl Fn(),
    ) {
        self.tells_within(SOON, words, is_lost, lose, mend);
    }

    #[track_caller]
    fn tells_within(
        &mut self,
        limit: Duration,
        words: &str,
        is_lost: impl Fn(&Value) -> bool,
        lose: impl Fn(),
        mend: impl Fn(),
    ) {
        let mut took = Vec::new();
        for _ in 0..TRIES {
            let began = Instant::now();
            lose();
            self.until(|event| says(event, words) && is_lost(event));
            took.push(began.elapsed());
            mend();
            self.until(|event| !says(event, words));
            if took.last() <= Some(&limit) {
                println!("{words:?}: {took:?}");
                return;
            }
        }
        panic!("{words:?} was told of after {took:?}");
    }
}

/// Whether these words are among what is not as it should be.
fn says(event: &Value, words: &str) -> bool {
    let troubles = event["trouble"].as_array().unwrap();
    let mut texts = troubles.iter().filter_map(|it| it["text"].as_str());
    texts.any(|text| text.contains(words))
}

/// Servers of the database that are not used.
fn unused(event: &Value) -> usize {
    let servers = event["database"]["servers"].as_array().unwrap();
    servers.iter().filter(|it| it["used"] == false).count()
}

#[test]
fn a_redis_that_hangs_is_told_of() {
    let redis = Redis::start();
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let policy = json!([{
        "name": "all", "windows": [{ "name": "hour", "quota": 1_000_000, "window": "1h" }], "counting": "strict",
    }]);
    let (url, policy) = (redis.url(), policy.to_string());
    let server = shop.serve_with(
        &["--redis-url", &url],
        &[
            ("DOORBUSTER_LIMITS_POLICY", policy.as_str()),
            // Every read asks.
            ("DOORBUSTER_CACHE_FRESH", "1ms"),
            ("DOORBUSTER_CACHE_STALE", "0s"),
        ],
    );
    let mut feed = Feed::open(&server);
    feed.until(|event| event["redis"]["state"] == "used" && event["limits"]["redis"] == true);
    let hang = || {
        redis.signal(Signal::STOP);
        for _ in 0..5 {
            server.get("/products/1").with(200);
        }
    };
    let go_on = || {
        redis.signal(Signal::CONT);
        server.get("/products/1").with(200);
    };
    let is_open = |event: &Value| event["redis"]["breaker"] == "open";
    feed.tells_soon(
        "Misses go to the database, under a cap",
        is_open,
        hang,
        go_on,
    );
    let is_not_asked = |event: &Value| event["limits"]["redis"] == false;
    feed.tells_soon("Redis does not count", is_not_asked, hang, go_on);
}

#[test]
fn servers_of_the_database_that_hang_are_told_of() {
    let shop = ReplicatedShop::start(2, 3);
    let server = shop.serve(&[]);
    let servers = &shop.servers;
    let mut feed = Feed::open(&server);
    feed.until(|event| unused(event) == 0);
    let hang = |which: &'static [usize]| {
        move || {
            for index in which {
                servers.signal(*index, Signal::STOP);
            }
        }
    };
    let go_on = |which: &'static [usize]| {
        move || {
            for index in which {
                servers.signal(*index, Signal::CONT);
            }
        }
    };
    let are_unused = |count| move |event: &Value| unused(event) == count;
    let which: &[usize] = &[1];
    feed.tells_soon(
        "1 of 2 replicas not read from",
        are_unused(1),
        hang(which),
        go_on(which),
    );
    let which: &[usize] = &[1, 2];
    feed.tells_soon(
        "No replica is read from",
        are_unused(2),
        hang(which),
        go_on(which),
    );
    let which: &[usize] = &[0];
    feed.tells_soon(
        "The primary gives no answer",
        are_unused(1),
        hang(which),
        go_on(which),
    );
    let which: &[usize] = &[0, 1, 2];
    let gives_none = |event: &Value| event["database"]["answers"] == false;
    feed.tells_soon(
        "The catalogue gives no answer",
        gives_none,
        hang(which),
        go_on(which),
    );
}

#[test]
fn a_replica_that_replays_nothing_is_told_of() {
    let shop = ReplicatedShop::start(2, 3);
    let server = shop.serve(&[("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "1s")]);
    let mut feed = Feed::open(&server);
    feed.until(|event| unused(event) == 0);
    let stand_still = || {
        shop.servers.pause(1);
        shop.servers
            .sql(0, "UPDATE product SET title = title || '!'");
    };
    let is_behind = |event: &Value| {
        let servers = event["database"]["servers"].as_array().unwrap();
        let mut servers = servers.iter().filter(|it| it["used"] == false);
        servers.any(|it| it["lag_s"].as_f64().is_some_and(|lag| lag > 1.0))
    };
    // Once it is further behind than it may be.
    let limit = Duration::from_secs(1) + SOON;
    feed.tells_within(limit, " s behind)", is_behind, stand_still, || {
        shop.servers.resume(1);
    });
}

#[test]
fn flags_that_make_no_sense_and_dead_letters_are_told_of() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let mut feed = Feed::open(&server);
    let flags = shop.data_dir().join("flags.json");
    feed.tells_soon(
        "Flags, file",
        |_| true,
        || fs::write(&flags, "{\"flags\":").unwrap(),
        || fs::write(&flags, "{\"flags\":{}}").unwrap(),
    );
    let letter = "INSERT INTO job_ended (id, kind, state, priority, run_at, attempt, max_attempts, fence, payload, errors,
         created_at, ended_at)
         VALUES (4711, 'gone.kind', 'dead', 0, 0, 3, 3, 3, '{}', '[]', 0, 9000000000000)";
    feed.tells_soon(
        "1 dead letters of gone.kind",
        |_| true,
        || shop.database().execute_batch(letter).unwrap(),
        || {
            shop.database()
                .execute_batch("DELETE FROM job_ended")
                .unwrap();
        },
    );
}

#[test]
fn jobs_of_a_worker_that_is_gone_are_told_of() {
    const LEASE: Duration = Duration::from_secs(1);
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    // Nobody is ever answered here.
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("http://{}/hook", receiver.local_addr().unwrap());
    let environment = [
        ("DOORBUSTER_WEBHOOKS_URLS", &*hook),
        (
            "DOORBUSTER_WEBHOOKS_SECRET",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        ("DOORBUSTER_WEBHOOKS_ALLOW_PRIVATE", "true"),
        ("DOORBUSTER_JOBS_LEASE", "1s"),
        ("DOORBUSTER_JOBS_SERVE", "false"),
    ];
    // Hears of changes, and leaves the jobs that follow to others.
    let first = shop.serve_with(&[], &environment);
    let mut worker = Program::start(shop.command("work").envs(environment));
    within(PATIENCE, "the stream is followed", || {
        let looked = "SELECT count(*) FROM outbox_follower WHERE name = 'webhooks'";
        (shop.database().number(looked) == 1).then_some(())
    });
    shop.import(&[product("lamp", "Lantern")]);
    let (_silent, _) = receiver.accept().unwrap();
    first.stop();
    let server = shop.serve_with(&[], &[("DOORBUSTER_JOBS_LEASE", "1s")]);
    let mut feed = Feed::open(&server);
    feed.next();
    worker.child.kill().unwrap();
    worker.wait();
    let killed = Instant::now();
    feed.until(|event| says(event, "Jobs were taken from workers that said nothing"));
    // From when it may be taken, with time for a machine that is busy: there is but one loss here.
    assert!(
        killed.elapsed() < LEASE + SOON * 3,
        "{:?}",
        killed.elapsed()
    );
    println!("{:?}", killed.elapsed());
    let text = String::from_utf8(server.get_admin("/metrics").with(200).body).unwrap();
    assert!(text.contains("doorbuster_jobs_retaken_total 1"), "{text}");
}
