//! What Redis itself has of a key, past all that is tested.

use super::cluster::until;
use crate::harness::Redis;

/// The place of key 1.
pub(super) const RECORD: &str = "test:1:{1}";

/// Length of what comes before the value; a fence is no longer.
const HEAD: usize = 36;

/// The record of a key, be it a value, an absence or a fence.
pub(super) fn record(redis: &Redis, key: i64) -> Option<Vec<u8>> {
    redis.run(&format!("GET test:1:{{{key}}}"))
}

/// Awaits that a value of a key is there.
pub(super) async fn filled(redis: &Redis, key: i64) -> Vec<u8> {
    until("the value is in Redis", || {
        record(redis, key).filter(|record| record.len() > HEAD)
    })
    .await
}

/// Plants something in a place.
pub(super) fn set(redis: &Redis, place: &str, value: &[u8]) {
    let mut connection = redis.connect();
    let set = redis::cmd("SET")
        .arg(place)
        .arg(value)
        .exec(&mut connection);
    set.unwrap();
}
