//! What the tier is for: one node loads, and all have it; one writes, and all know.

use doorbuster::cache::{Absence, Origin};
use futures_util::future::join_all;

use super::cluster::{Node, Store, is_from_l2, until};
use super::record::{filled, record};
use crate::harness::Redis;

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_loaded_the_other_need_not() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let one = Node::start(&store, &redis.url()).await;
    let other = Node::start(&store, &redis.url()).await;
    assert_eq!(one.origin(1).await, (1, Origin::StorePastL2));
    filled(&redis, 1).await;
    let (version, origin) = other.origin(1).await;
    assert!(version == 1 && is_from_l2(origin), "{origin:?}");
    assert_eq!(store.reads(), 1);

    // That there is nothing is shared as well.
    assert_eq!(one.read(2).await.value, Err(Absence::Unknown));
    until("the absence is in Redis", || record(&redis, 2)).await;
    assert_eq!(other.read(2).await.value, Err(Absence::Unknown));
    assert_eq!(store.reads(), 2);
    // Until it is made.
    one.write(2).await;
    until("the other one hears of it", || {
        (other.heard() > 0).then_some(())
    })
    .await;
    assert_eq!(other.origin(2).await, (1, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_reaches_the_first_tier_of_other_nodes() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let one = Node::start(&store, &redis.url()).await;
    let other = Node::start(&store, &redis.url()).await;
    // Each is subscribed by now: what it hears of itself says so.
    for node in [&one, &other] {
        until("it is subscribed", || (node.missed() > 0).then_some(())).await;
    }
    assert_eq!(other.read(1).await.version, 1);
    one.write(1).await;
    until("the other one hears of it", || {
        (other.heard() > 0).then_some(())
    })
    .await;
    assert_eq!(other.read(1).await.version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_readers_of_one_cold_key_on_two_nodes_make_one_load() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let one = Node::start(&store, &redis.url()).await;
    let other = Node::start(&store, &redis.url()).await;
    store.shut();
    let readers: Vec<_> = (0..10_000)
        .map(|number| [&one, &other][number % 2].reader(1))
        .collect();
    store.one_waits().await;
    // The node that did not get the lease has asked for it, and goes on asking.
    until("somebody is held", || {
        let held = one.l2.counts().held + other.l2.counts().held;
        (held > 3).then_some(())
    })
    .await;
    store.open();
    let versions = join_all(readers).await;
    assert!(
        versions
            .iter()
            .all(|version| *version.as_ref().unwrap() == 1)
    );
    assert_eq!(store.reads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cold_keys_take_few_round_trips() {
    let (redis, store) = (Redis::start(), Store::default());
    let node = Node::start(&store, &redis.url()).await;
    // The store takes longer than they take to come.
    store.shut();
    let readers: Vec<_> = (0..10_000).map(|key| node.reader(key)).collect();
    until("all have come", || {
        (node.l2.counts().leases == 10_000).then_some(())
    })
    .await;
    store.open();
    join_all(readers).await;
    assert_eq!(store.reads(), 10_000);
    assert!(store.round_trips() <= 200, "{}", store.round_trips());
}
