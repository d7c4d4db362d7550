//! What keeps old versions out of the tier: each test fails where its guard is taken away.

use std::time::Duration;

use doorbuster::cache::{Cause, L2Options, Origin};

use super::cluster::{Node, Store, is_from_l2, options, server, until};
use super::record::{RECORD, filled, record, set};
use crate::harness::{PATIENCE, Proxy, Redis};

const LEASE: &str = "test:1:{1}:lease";

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_a_flush_overtakes_fills_nothing() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    store.shut();
    let reader = node.reader(1);
    store.one_waits().await;
    // With the fence goes the lease.
    redis.run::<()>("FLUSHALL");
    store.open();
    assert_eq!(reader.await.unwrap(), 1);
    until("the fill was refused", || {
        (node.l2.counts().fills_refused == 1).then_some(())
    })
    .await;
    assert_eq!(record(&redis, 1), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_an_invalidation_overtakes_fills_nothing() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let one = Node::start(&store, &redis.url()).await;
    let other = Node::start(&store, &redis.url()).await;
    store.shut();
    let reader = one.reader(1);
    store.one_waits().await;
    other.write(1).await;
    // The lease guards by itself: Redis may have no memory for the fence.
    assert_eq!(redis.run::<usize>(&format!("EXISTS {LEASE}")), 0);
    redis.run::<()>(&format!("DEL {RECORD}"));
    store.open();
    // The first reader may get what it read; nobody else does.
    reader.await.unwrap();
    until(
        "the fill was refused, or the node has heard and loaded again",
        || {
            let counts = one.l2.counts();
            (counts.fills_refused + counts.fills > 0).then_some(())
        },
    )
    .await;
    // Nothing, or what the node has loaded since it heard.
    assert!(record(&redis, 1).is_none_or(|record| record[11] == 2));
    assert_eq!(other.origin(1).await.0, 2);
    until("the node has heard", || (one.heard() > 0).then_some(())).await;
    assert_eq!(one.read(1).await.version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_refuses_an_older_value() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    // Made elsewhere, so that nobody here has heard of it.
    let elsewhere = L2Options {
        prefix: "elsewhere:".to_owned(),
        ..options()
    };
    let other = Node::start_with(&Store::default(), server(&redis.url()), elsewhere);
    other.is_used().await;
    other.l2.invalidate(&[(1, 2)]).await;
    let fence: Vec<u8> = redis.run("GET elsewhere:1:{1}");
    store.shut();
    let reader = node.reader(1);
    store.one_waits().await;
    // The fence alone: the lease still stands.
    set(&redis, RECORD, &fence);
    store.open();
    reader.await.unwrap();
    until("the fill was refused", || {
        (node.l2.counts().fills_refused == 1).then_some(())
    })
    .await;
    assert_eq!(record(&redis, 1), Some(fence));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_store_that_is_behind_the_fence_is_not_believed() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let one = Node::start(&store, &redis.url()).await;
    one.write(1).await;
    store.lag(1, Some(1));
    // It has no fence of its own.
    let other = Node::start(&store, &redis.url()).await;
    assert_eq!(other.origin(1).await, (2, Origin::StorePastL2));
    assert_eq!(store.reads(), 2, "once behind, once at first hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_below_the_fence_of_the_node_is_not_taken_from_the_tier() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let one = Node::start(&store, &redis.url()).await;
    one.read(1).await;
    filled(&redis, 1).await;
    let other = Node::start(&store, &redis.url()).await;
    // It knows of a version that the tier has not been told of.
    let version = store.write(1);
    other.cache.invalidate(&1, version, Cause::Journal);
    assert_eq!(other.origin(1).await, (2, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_does_not_admit_it_does_not_pass_on() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    node.cache.invalidate(&1, 2, Cause::Journal);
    redis.run::<()>("FLUSHALL");
    // The tier has no fence any more, but the node has.
    store.lag(1, Some(1));
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
    filled(&redis, 1).await;
    until("the fill is over", || {
        (node.l2.counts().fills > 0).then_some(())
    })
    .await;
    let counts = node.l2.counts();
    assert_eq!((counts.fills, counts.fills_refused), (1, 0), "{counts:?}");
    let other = Node::start(&store, &redis.url()).await;
    let (version, origin) = other.origin(1).await;
    assert!(version == 2 && is_from_l2(origin), "{version} {origin:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_dead_node_expires() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    redis.run::<()>(&format!("SET {LEASE} somebody PX 300"));
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
    assert!(node.l2.counts().held > 0, "{:?}", node.l2.counts());
    filled(&redis, 1).await;
    // One that never ends was not given by us.
    redis.run::<()>(&format!("DEL {RECORD}"));
    redis.run::<()>(&format!("SET {LEASE} somebody"));
    let held = node.l2.counts().held;
    node.forget();
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
    assert_eq!(node.l2.counts().held, held);
    filled(&redis, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_in_our_places_is_nothing() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    node.read(1).await;
    let ours = filled(&redis, 1).await;
    let mut damaged = ours.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut newer = ours.clone();
    newer[4..12].fill(0x7f);
    for garbage in [&b""[..], b"garbage", &damaged, &newer, &ours[..40]] {
        set(&redis, RECORD, garbage);
        node.forget();
        let shown = String::from_utf8_lossy(garbage);
        assert_eq!(node.origin(1).await, (1, Origin::StorePastL2), "{shown:?}");
        until("a good record is there again", || {
            record(&redis, 1)
                .filter(|record| record.len() == ours.len() && record[36..] == ours[36..])
        })
        .await;
    }
    for command in ["LPUSH", "SADD"] {
        for key in [RECORD, LEASE] {
            redis.run::<()>(&format!("DEL {RECORD} {LEASE}"));
            redis.run::<i64>(&format!("{command} {key} x"));
            node.forget();
            assert_eq!(
                node.origin(1).await,
                (1, Origin::StorePastL2),
                "{command} {key}"
            );
            until("a good record is there again", || {
                let kind: String = redis.run(&format!("TYPE {RECORD}"));
                (kind == "string").then_some(())
            })
            .await;
        }
    }
    // And a message that is none.
    redis.run::<i64>("PUBLISH test:1:invalidated nonsense");
    redis.run::<i64>("PUBLISH test:1:invalidated x");
    node.write(1).await;
    assert_eq!(node.origin(1).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_redis_forgot_are_loaded_again() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    redis.run::<()>("SCRIPT FLUSH");
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
    filled(&redis, 1).await;
    redis.run::<()>("SCRIPT FLUSH");
    node.write(1).await;
    assert_eq!(node.l2.counts().invalidations_failed, 0);
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_were_missed_are_asked_for() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let proxy = Proxy::before(redis.address());
    let one = Node::start(&store, &redis.url()).await;
    let deaf = Node::start(&store, &format!("redis://{}", proxy.address())).await;
    until("it is subscribed", || (deaf.missed() > 0).then_some(())).await;
    deaf.read(1).await;
    let missed = deaf.missed();
    proxy.refuse(true);
    proxy.cut();
    deaf.is_unused().await;
    one.write(1).await;
    // Nobody told it, which is within the promise.
    assert_eq!(deaf.read(1).await.version, 1);
    proxy.refuse(false);
    until("it is subscribed again", || {
        (deaf.missed() > missed).then_some(())
    })
    .await;
    deaf.is_used().await;
    until("it has asked", || {
        let version = futures_util::FutureExt::now_or_never(deaf.read(1));
        version.filter(|answer| answer.version == 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_writer_died_before_it_told_anybody_comes_from_the_journal() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    {
        let node = Node::start(&store, &redis.url()).await;
        node.read(1).await;
        filled(&redis, 1).await;
        // Others that live find it.
        let version = store.write(1);
        node.follow(1, version);
        until("the tier has heard of it", || {
            (node.l2.counts().invalidations > 0).then_some(())
        })
        .await;
        node.read(1).await;
        filled(&redis, 1).await;
    }
    // And so does the first one that comes back.
    store.write(1);
    store.journal_is_down(true);
    let node = Node::start_with(&store, server(&redis.url()), options());
    until("it is connected", || (node.missed() > 0).then_some(())).await;
    assert_eq!(node.origin(1).await, (3, Origin::Store));
    store.journal_is_down(false);
    node.is_used().await;
    node.forget();
    assert_eq!(node.origin(1).await, (3, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_was_put_back_empties_the_tier() {
    let (redis, store) = (Redis::start(), Store::default());
    (0..3).for_each(|_| {
        store.write(1);
    });
    redis.run::<()>("SET neighbour kept");
    redis.run::<()>("SET test:2:{1} kept");
    let node = Node::start(&store, &redis.url()).await;
    node.read(1).await;
    filled(&redis, 1).await;
    store.put_back(2);
    node.forget();
    node.l2.journal_broke();
    node.is_used().await;
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
    assert_eq!(redis.run::<String>("GET neighbour"), "kept");
    assert_eq!(redis.run::<String>("GET test:2:{1}"), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loaded_before_and_comes_in_while_the_tier_is_emptied_is_removed_with_the_rest() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    store.write(1);
    let node = Node::start(&store, &redis.url()).await;
    let other = Node::start(&store, &redis.url()).await;
    store.shut();
    let reader = other.reader(1);
    store.one_waits().await;
    let held = |count| {
        let clients: String = redis.run("CLIENT LIST");
        (clients.matches("flags=b").count() == count).then_some(())
    };
    // Names are still told.
    redis.run::<()>("CLIENT PAUSE 60000 WRITE");
    store.open();
    until("the value is on its way", || held(1)).await;
    store.put_back(1);
    node.l2.journal_broke();
    until("what there was is to be removed", || held(2)).await;
    redis.run::<()>("CLIENT UNPAUSE");
    assert_eq!(reader.await.unwrap(), 2);
    node.is_used().await;
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_that_may_not_have_arrived_ends_the_trust() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    let proxy = Proxy::before(redis.address());
    let patience = L2Options {
        timeout: Duration::from_millis(200),
        ..options()
    };
    let url = format!("redis://{}", proxy.address());
    // Nothing but the tier stands between the store and its readers.
    let node = Node::start_over(&store, server(&url), patience, None);
    node.is_used().await;
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
    filled(&redis, 1).await;
    assert!(is_from_l2(node.origin(1).await.1));
    proxy.refuse(true);
    proxy.cut();
    node.write(1).await;
    assert_eq!(node.origin(1).await, (2, Origin::Store));
    store.journal_is_down(true);
    let missed = node.missed();
    proxy.refuse(false);
    until("it is connected again", || {
        (node.missed() > missed).then_some(())
    })
    .await;
    assert_eq!(node.origin(1).await, (2, Origin::Store));
    store.journal_is_down(false);
    node.is_used().await;
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_invalidation_is_not_read() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    // Nothing but the tier stands between the store and its readers.
    let node = Node::start_over(&store, server(&redis.url()), options(), None);
    node.is_used().await;
    node.read(1).await;
    filled(&redis, 1).await;
    assert!(is_from_l2(node.origin(1).await.1));
    // It still answers, but has no memory for more.
    redis.run::<()>("CONFIG SET maxmemory 1");
    assert_eq!(node.write(1).await, 2);
    assert_eq!(node.l2.counts().invalidations_failed, 1);
    assert_eq!(node.origin(1).await, (2, Origin::Store));
    redis.run::<()>("CONFIG SET maxmemory 0");
    node.is_used().await;
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_given_up_ends_its_lease() {
    let (redis, store) = (Redis::start(), Store::default());
    store.write(1);
    // The lease would outlast this test.
    let patient = L2Options {
        load_deadline: PATIENCE * 4,
        ..options()
    };
    let node = Node::start_over(&store, server(&redis.url()), patient, None);
    node.is_used().await;
    store.shut();
    let cache = node.cache.clone();
    let reader = tokio::spawn(async move { cache.read(&1).await });
    store.one_waits().await;
    let leases = || redis.run::<usize>(&format!("EXISTS {LEASE}"));
    assert_eq!(leases(), 1);
    reader.abort();
    until("the lease is gone", || (leases() == 0).then_some(())).await;
}
