//! Redis stopped, killed, brought back with what it had, cut off, slow: answers come all the same, and the right ones.

use std::time::Duration;

use doorbuster::cache::{L2Options, Origin};
use futures_util::FutureExt;
use rustix::process::Signal;

use super::cluster::{Node, Store, is_from_l2, options, server, until};
use super::record::filled;
use crate::harness::{Proxy, Redis};

/// As in production: whoever waits for Redis does so for no longer than this.
fn impatient() -> L2Options {
    L2Options {
        timeout: Duration::from_millis(20),
        connect_timeout: Duration::from_millis(500),
        ..options()
    }
}

/// Keys that nobody has asked for.
async fn cold_reads(node: &Node, store: &Store, keys: std::ops::Range<i64>) {
    for key in keys {
        store.write(key);
        assert_eq!(node.read(key).await.version, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_given_up_and_taken_up_again() {
    let (redis, store) = (Redis::start(), Store::default());
    let node = Node::start_with(&store, server(&redis.url()), impatient());
    node.is_used().await;
    redis.signal(Signal::STOP);
    cold_reads(&node, &store, 0..50).await;
    node.is_unused().await;
    // From here on nobody asks it, so nobody waits.
    for key in 50..500 {
        cold_reads(&node, &store, key..key + 1).await;
        assert!(!node.l2.is_used());
    }
    let version = node.write(7).await;
    assert_eq!(node.read(7).await.version, version);
    redis.signal(Signal::CONT);
    node.is_used().await;
    // What was written meanwhile was not in the tier, and what it had of before is not believed.
    node.forget();
    assert_eq!(node.origin(7).await.0, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_comes_back_with_old_data_is_told_what_it_lost() {
    let (mut redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    node.read(1).await;
    filled(&redis, 1).await;
    redis.run::<()>("SAVE");
    let version = node.write(1).await;
    node.follow(1, version);
    // So that the relay would go on from behind it, if it thought this to be the same server.
    until("the relay has told of it", || {
        let place = node.l2.status().place;
        place.filter(|place| place.ends_with(&format!(" {}", store.journal_len())))
    })
    .await;
    // It forgets the fence, and has the old value again.
    store.journal_is_down(true);
    let missed = node.missed();
    redis.restart();
    until("it is connected again", || {
        (node.missed() > missed).then_some(())
    })
    .await;
    // Nobody can tell yet what it has lost.
    node.forget();
    assert_eq!(node.origin(1).await, (2, Origin::Store));
    store.journal_is_down(false);
    node.is_used().await;
    node.forget();
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
    // A node that knows nothing of all this does not believe it either.
    let other = Node::start(&store, &redis.url()).await;
    assert_eq!(other.origin(1).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_knows_what_it_lost_it_is_emptied() {
    let (mut redis, store) = (Redis::start(), Store::default());
    store.write(1);
    {
        let node = Node::start(&store, &redis.url()).await;
        node.read(1).await;
        filled(&redis, 1).await;
        redis.run::<()>("SET neighbour kept");
        // Nor is there a word of how far it was told.
        redis.run::<()>("DEL test:1:mark");
        redis.run::<()>("SAVE");
        node.write(1).await;
    }
    redis.restart();
    store.forgets();
    let node = Node::start(&store, &redis.url()).await;
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
    assert_eq!(redis.run::<String>("GET neighbour"), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_come_again() {
    let (redis, store) = (Redis::start(), Store::default());
    let proxy = Proxy::before(redis.address());
    let url = format!("redis://{}", proxy.address());
    let node = Node::start_with(&store, server(&url), impatient());
    for round in 0..4_i64 {
        node.is_used().await;
        let before = proxy.accepted();
        if round % 2 == 0 {
            proxy.cut();
        } else {
            proxy.half_close();
        }
        cold_reads(&node, &store, round * 100..round * 100 + 50).await;
        until("it connects again", || {
            (proxy.accepted() > before).then_some(())
        })
        .await;
    }
    node.is_used().await;
    store.write(1_000);
    assert_eq!(node.origin(1_000).await, (1, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_replaced() {
    let (redis, store) = (Redis::start(), Store::default());
    let proxy = Proxy::before(redis.address());
    let url = format!("redis://{}", proxy.address());
    let node = Node::start_with(&store, server(&url), impatient());
    node.is_used().await;
    // Nobody asks anything of it: the link itself finds out.
    proxy.mute(true);
    node.is_unused().await;
    cold_reads(&node, &store, 0..10).await;
    proxy.mute(false);
    node.is_used().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_too_slow_is_no_help() {
    let (redis, store) = (Redis::start(), Store::default());
    let proxy = Proxy::before(redis.address());
    let url = format!("redis://{}", proxy.address());
    let node = Node::start_with(&store, server(&url), impatient());
    node.is_used().await;
    proxy.delay(Duration::from_millis(60));
    for key in 0..20 {
        store.write(key);
        assert_eq!(node.origin(key).await, (1, Origin::Store));
    }
    proxy.delay(Duration::ZERO);
    until("it is of use again", || node.l2.is_used().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_serves_without_redis_from_the_start() {
    let store = Store::default();
    store.write(1);
    let mut redis = Redis::start();
    redis.signal(Signal::STOP);
    let node = Node::start_with(&store, server(&redis.url()), impatient());
    assert_eq!(node.origin(1).await, (1, Origin::Store));
    assert_eq!(node.write(1).await, 2);
    assert_eq!(node.origin(1).await, (2, Origin::Store));
    redis.restart();
    node.is_used().await;
    node.forget();
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tier_has_outlives_the_store() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    node.read(1).await;
    filled(&redis, 1).await;
    store.journal_is_down(true);
    node.l2.journal_grew();
    // Something is known to have changed, and nobody can tell what.
    node.is_unused().await;
    store.journal_is_down(false);
    node.is_used().await;
    node.forget();
    assert!(is_from_l2(node.origin(1).await.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_store_has_no_more_to_do_than_its_cap() {
    const READERS: u64 = 1_000;
    let store = Store::default();
    let mut redis = Redis::start();
    redis.kill();
    let node = Node::start_with(&store, server(&redis.url()), impatient());
    store.shut();
    let readers: Vec<_> = (0..1_000)
        .map(|key| {
            let cache = node.cache.clone();
            tokio::spawn(async move { cache.read(&key).await.unwrap().status })
        })
        .collect();
    until("all have asked in vain", || {
        (node.l2.counts().unanswered == READERS).then_some(())
    })
    .await;
    for _ in 0..4 {
        store.one_waits().await;
    }
    assert!(store.one_waits().now_or_never().is_none());
    assert_eq!(store.round_trips(), 4);
    store.open();
    futures_util::future::join_all(readers).await;
    assert_eq!(store.reads(), READERS);
    assert!(store.round_trips() <= 20, "{}", store.round_trips());
}
