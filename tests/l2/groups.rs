//! Sentinel, Cluster, TLS, ACL.

use std::path::Path;
use std::time::Duration;

use doorbuster::cache::l2::Server;
use doorbuster::cache::{Depth, Origin};
use rustix::process::Signal;

use super::cluster::{Node, Store, is_from_l2, options, until};
use super::record::{filled, record};
use crate::harness::{Cluster, PATIENCE, Redis, SERVICE, Sentinels, Shop, certificate, product};

fn sentinel_server(group: &Sentinels) -> Server {
    let url = group.url();
    let hosts = url.strip_prefix("redis+sentinel://").unwrap();
    let hosts = hosts.split('/').next().unwrap().split(',');
    Server::Sentinel {
        sentinels: hosts
            .map(|host| format!("redis://{host}").parse().unwrap())
            .collect(),
        service: SERVICE.to_owned(),
        data: "redis://service".parse().unwrap(),
    }
}

/// The replica that takes over has not heard of the last write.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_an_invalidation_shows_nothing_old() {
    let (mut group, store) = (Sentinels::start(), Store::default());
    store.write(1);
    let node = Node::start_with(&store, sentinel_server(&group), options());
    node.is_used().await;
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
    filled(&group.replica, 1).await;
    group.replica.signal(Signal::STOP);
    // Nothing more waits for it in a buffer.
    group.master.run::<i64>("CLIENT KILL TYPE replica");
    node.write(1).await;
    assert_eq!(node.l2.counts().invalidations_failed, 0);
    group.master.kill();
    group.replica.signal(Signal::CONT);
    until("the replica took over", || {
        // It cuts its clients off when it does.
        let info: String = group.replica.try_run("INFO replication").ok()?;
        info.contains("role:master").then_some(())
    })
    .await;
    let old = record(&group.replica, 1);
    assert!(old.is_none_or(|old| old.len() > 36), "it has not lost it");
    node.is_used().await;
    node.forget();
    assert_eq!(node.origin(1).await, (2, Origin::StorePastL2));
    filled(&group.replica, 1).await;
    node.forget();
    let (version, origin) = node.origin(1).await;
    assert!(version == 2 && is_from_l2(origin), "{origin:?}");
}

/// One that is planned: the old master lives on, as a replica that takes no writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_becomes_a_replica_is_left_for_the_new_one() {
    is_left_for_the_new_one(Sentinels::fail_over).await;
}

/// One that the old master has not heard of: it takes writes like a master, and nobody else asks it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_only_it_takes_for_one_is_left_for_the_new_one() {
    is_left_for_the_new_one(Sentinels::promote_behind_the_back_of_the_master).await;
}

async fn is_left_for_the_new_one(fail_over: impl FnOnce(&Sentinels)) {
    let (group, store) = (Sentinels::start(), Store::default());
    store.write(1);
    let node = Node::start_with(&store, sentinel_server(&group), options());
    node.is_used().await;
    assert_eq!(node.origin(1).await, (1, Origin::StorePastL2));
    filled(&group.replica, 1).await;
    let old = record(&group.replica, 1);
    fail_over(&group);
    node.write(1).await;
    let moved = async {
        loop {
            node.forget();
            let (version, origin) = node.origin(1).await;
            assert_eq!(version, 2);
            let new = record(&group.replica, 1);
            if is_from_l2(origin) && new.as_ref().is_some_and(|it| it.len() > 36) && new != old {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let moved = tokio::time::timeout(PATIENCE, moved).await;
    moved.expect("what is new is with the new master");
    let info: String = group.replica.run("INFO replication");
    assert!(info.contains("role:master"), "{info}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_one_tier() {
    let (mut group, store) = (Cluster::start(), Store::default());
    let nodes = group.nodes.iter().map(|node| node.url().parse().unwrap());
    let server = Server::Cluster(nodes.collect());
    let node = Node::start_with(&store, server.clone(), options());
    let other = Node::start_with(&store, server, options());
    node.is_used().await;
    other.is_used().await;
    for node in [&node, &other] {
        until("it is subscribed", || (node.missed() > 0).then_some(())).await;
    }
    // In all three parts.
    for key in 0..60 {
        store.write(key);
        assert_eq!(node.origin(key).await, (1, Origin::StorePastL2));
    }
    until("all values are in", || {
        (node.l2.counts().fills == 60).then_some(())
    })
    .await;
    for key in 0..60 {
        let (version, origin) = other.origin(key).await;
        assert!(version == 1 && is_from_l2(origin), "{key}: {origin:?}");
    }
    for key in 0..60 {
        node.write(key).await;
    }
    until("the other one hears of all", || {
        (other.heard() >= 60).then_some(())
    })
    .await;
    for key in 0..60 {
        assert_eq!(other.read(key).await.version, 2);
    }
    assert_eq!(node.l2.counts().invalidations_failed, 0);
    until("all values are in", || {
        (other.l2.counts().fills == 60).then_some(())
    })
    .await;

    // A purge reaches all parts, and the other node.
    assert_eq!(node.l2.purge_everything(Depth::Hard).await.unwrap(), 60);
    until("the other one has dropped all", || {
        (other.heard_of_purges() > 0).then_some(())
    })
    .await;
    for key in 0..60 {
        assert_eq!(other.origin(key).await, (2, Origin::StorePastL2), "{key}");
    }

    // A part fails over to a replica that has not heard of the last write. How far it was told stands in another part.
    let (of_mark, _) = group.home("test:1:mark");
    let home = |key: &i64| group.home(&format!("test:1:{{{key}}}"));
    let key = (0..60).find(|key| home(key).0 != of_mark).unwrap();
    let (master, replica) = home(&key);
    until("the part has the value", || {
        let value = record(&group.nodes[master], key);
        value.filter(|value| value.len() > 36)
    })
    .await;
    // And its replica, too, so that there is something old to be shown.
    assert_eq!(group.nodes[master].run::<i64>("WAIT 1 10000"), 1);
    group.nodes[replica].signal(Signal::STOP);
    group.nodes[master].run::<i64>("CLIENT KILL TYPE replica");
    let version = node.write(key).await;
    node.follow(key, version);
    until("all of the journal was delivered", || {
        let mark: String = group.nodes[of_mark].run("GET test:1:mark");
        mark.ends_with(&format!(" {}", store.journal_len()))
            .then_some(())
    })
    .await;
    group.nodes[master].kill();
    node.is_unused().await;
    group.nodes[replica].signal(Signal::CONT);
    node.is_used().await;
    node.forget();
    assert_eq!(node.origin(key).await.0, 3);

    // And a catalogue that was put back empties all parts.
    store.put_back(2);
    node.forget();
    node.l2.journal_broke();
    node.is_used().await;
    for key in 0..60 {
        let (version, origin) = node.origin(key).await;
        assert_eq!((version, origin), (2, Origin::StorePastL2), "{key}");
    }
}

/// Everything that the program needs. Of `client` it is `setinfo`, which servers below 7.2 do not know by name.
const RIGHTS: &str = "~shop:* &shop:* -@all +ping +select +hello +info +client +dbsize +scan +unlink \
                      +get +getrange +set +del +exists +pttl +mget +evalsha +script|load +publish +subscribe";

#[test]
fn a_server_with_tls_and_few_rights() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let (certificate, key) = certificate(shop.data_dir().parent().unwrap());
    let redis = Redis::start();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let port = crate::harness::free_port();
    let (certificate_file, key_file) = (text(&certificate), text(&key));
    redis.run::<()>(&format!(
        "CONFIG SET tls-cert-file {certificate_file} tls-key-file {key_file} tls-auth-clients no tls-port {port}"
    ));
    redis.run::<()>(&format!("ACL SETUSER doorbuster on >s3cret {RIGHTS}"));
    let url = format!("rediss://doorbuster:s3cret@localhost:{port}");
    let trusting = ("SSL_CERT_FILE", text(&certificate));
    let environment = [
        ("DOORBUSTER_REDIS_TIMEOUT", "1s"),
        ("DOORBUSTER_REDIS_PREFIX", "shop:"),
        (trusting.0, trusting.1.as_str()),
    ];
    let server = shop.serve_with(&["--redis-url", &url], &environment);
    server.await_redis();
    let reply = server.get("/products/1").with(200);
    let expected = "doorbuster-l2; fwd=miss; stored, doorbuster-l1; fwd=miss; stored; ttl=";
    assert!(
        reply.header("cache-status").unwrap().starts_with(expected),
        "{reply:?}"
    );
    crate::harness::within(crate::harness::PATIENCE, "the value is in Redis", || {
        redis.run::<Option<Vec<u8>>>("GET shop:1:{1}")
    });
    let errors: String = redis.run("INFO errorstats");
    assert!(!errors.contains("NOPERM"), "{errors}");
    for line in server.program.log.lines() {
        assert!(!line.contains("s3cret"), "{line}");
    }

    // A certificate that nobody vouches for is none.
    let distrusting = shop.serve_with(&["--redis-url", &url], &environment[..2]);
    distrusting
        .program
        .log
        .wait_for_message("no connection to Redis; going on without it");
    distrusting.get("/products/1").with(200);
}
