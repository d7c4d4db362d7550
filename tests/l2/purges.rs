//! Dropping what is kept because somebody says so: in Redis and on all nodes, whatever version it has.

use doorbuster::cache::{Depth, Origin};

use super::cluster::{Node, Store, is_from_l2, until};
use super::record::{RECORD, filled, record, set};
use crate::harness::Redis;

/// Two nodes that hear each other, and a value in Redis.
async fn pair(redis: &Redis, store: &Store) -> (Node, Node) {
    let one = Node::start(store, &redis.url()).await;
    let other = Node::start(store, &redis.url()).await;
    for node in [&one, &other] {
        until("it is subscribed", || (node.missed() > 0).then_some(())).await;
    }
    (one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_dropped_everywhere() {
    for depth in [Depth::Soft, Depth::Hard] {
        let (redis, store) = (Redis::start(), Store::default());
        let version = store.write(1);
        let (one, other) = pair(&redis, &store).await;
        one.read(1).await;
        filled(&redis, 1).await;
        other.read(1).await;
        assert_eq!(one.l2.purge(&[(1, version)], depth).await.unwrap(), 1);
        one.cache.purge(&[(1, version)], depth);
        until("the other one has heard", || {
            (other.heard_of_purges() == 1).then_some(())
        })
        .await;
        assert_eq!(one.heard_of_purges(), 0, "its own words are no news");
        // A fence of the same version is left.
        let fence = record(&redis, 1).unwrap();
        assert_eq!((fence.len(), fence[2], fence[11]), (36, 4, 1));
        let reads = store.reads();
        let answer = other.read(1).await;
        assert_eq!(answer.version, 1);
        match depth {
            Depth::Hard => assert_eq!(store.reads(), reads + 1, "{answer:?}"),
            // Once more, and behind the reader it is loaded again.
            Depth::Soft => {
                until("it is loaded again", || {
                    (store.reads() > reads).then_some(())
                })
                .await;
            }
        }
        filled(&redis, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_there_is_dropped() {
    let (redis, store) = (Redis::start(), Store::default());
    (0..3).for_each(|_| {
        store.write(1);
    });
    let node = Node::start(&store, &redis.url()).await;
    node.read(1).await;
    let ours = filled(&redis, 1).await;
    // Of a version that never was: whole, since it was whole once.
    let elsewhere = Redis::start();
    let past = Store::default();
    (0..9).for_each(|_| {
        past.write(1);
    });
    let other = Node::start(&past, &elsewhere.url()).await;
    other.read(1).await;
    let newer = filled(&elsewhere, 1).await;
    let mut damaged = ours.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for planted in [&newer[..], &damaged, b"garbage", b""] {
        set(&redis, RECORD, planted);
        assert_eq!(node.l2.purge(&[(1, 3)], Depth::Hard).await.unwrap(), 1);
        let fence = record(&redis, 1).unwrap();
        assert_eq!((fence.len(), fence[2], fence[11]), (36, 4, 3));
    }
    redis.run::<()>(&format!("DEL {RECORD}"));
    redis.run::<i64>(&format!("LPUSH {RECORD} x"));
    assert_eq!(node.l2.purge(&[(1, 3)], Depth::Hard).await.unwrap(), 1);
    assert_eq!(record(&redis, 1).unwrap()[2], 4);
    node.cache.purge(&[(1, 3)], Depth::Hard);
    assert_eq!(node.origin(1).await, (3, Origin::StorePastL2));
    // What has come in with a newer version since the purger looked stays.
    let version = node.write(1).await;
    node.read(1).await;
    filled(&redis, 1).await;
    assert_eq!(version, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_a_purge_overtakes_fills_nothing() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    store.shut();
    let reader = node.reader(1);
    store.one_waits().await;
    node.l2.purge(&[(1, 1)], Depth::Hard).await.unwrap();
    node.cache.purge(&[(1, 1)], Depth::Hard);
    store.open();
    assert_eq!(reader.await.unwrap(), 1);
    // Neither here nor there: it was read once more.
    assert_eq!(store.reads(), 2);
    assert_eq!(node.cache.counts().refused, 1);
    filled(&redis, 1).await;
    // Redis has it before this node is told so.
    until("one fill is counted", || {
        (node.l2.counts().fills == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_and_all_are_dropped_everywhere_and_nothing_of_others() {
    let (redis, store) = (Redis::start(), Store::default());
    redis.run::<()>("SET neighbour kept");
    redis.run::<()>("SET test:2:{1} kept");
    let (one, other) = pair(&redis, &store).await;
    for key in 1..40 {
        store.write(key);
        one.read(key).await;
        filled(&redis, key).await;
        other.read(key).await;
    }
    // One that is a fence already, and one that is damaged.
    one.write(39).await;
    let fence = record(&redis, 39);
    // Keys 1 and 10 to 19.
    let bears = |text: &super::cluster::Text| text.0.starts_with('1');
    let dropped = one.l2.purge_tag("1", Depth::Hard, &bears).await;
    assert_eq!(dropped.unwrap(), 11);
    until("the other one has heard", || {
        (other.heard_of_purges() == 1).then_some(())
    })
    .await;
    let is_fence = |key| record(&redis, key).is_some_and(|record| record.len() == 36);
    assert!((1..39).all(|key| is_fence(key) == (key == 1 || (10..20).contains(&key))));
    let reads = store.reads();
    assert_eq!(other.read(2).await.version, 1);
    assert_eq!(store.reads(), reads);
    assert_eq!(other.origin(12).await, (1, Origin::StorePastL2));
    filled(&redis, 12).await;

    let mark: Option<String> = redis.run("GET test:1:mark");
    let dropped = one.l2.purge_everything(Depth::Hard).await.unwrap();
    assert_eq!(dropped, 38 - 10, "all values and no fence");
    until("the other one has heard", || {
        (other.heard_of_purges() == 2).then_some(())
    })
    .await;
    assert!((1..39).all(is_fence));
    assert_eq!(record(&redis, 39), fence);
    assert_eq!(redis.run::<Option<String>>("GET test:1:mark"), mark);
    assert_eq!(redis.run::<String>("GET neighbour"), "kept");
    assert_eq!(redis.run::<String>("GET test:2:{1}"), "kept");
    assert_eq!(other.origin(2).await, (1, Origin::StorePastL2));
    filled(&redis, 2).await;
    one.forget();
    assert!(is_from_l2(one.origin(2).await.1));
}
