//! The `Cache-Status` header (RFC 9211).

use std::cell::RefCell;

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::cache::{Origin, Status};

pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Times to live, in seconds, whose header value each worker keeps ready: the common ones.
const READY_FROM: i64 = -60;
const READY_TO: i64 = 300;
const READY: usize = 361;

thread_local! {
    static HITS: RefCell<Vec<Option<HeaderValue>>> = RefCell::new(vec![None; READY]);
}

/// The value that says what the tiers did.
pub(super) fn cache_status(status: Status) -> HeaderValue {
    match status {
        Status::Hit { ttl } => hit(ttl.div_euclid(1000)),
        Status::Miss {
            ttl,
            collapsed,
            origin,
        } => {
            let collapsed = if collapsed { "; collapsed" } else { "" };
            value(&format!(
                "{}doorbuster-l1; fwd=miss; stored; ttl={}{collapsed}",
                second_tier(origin),
                ttl / 1000
            ))
        }
        Status::Bypass {
            origin: Origin::Store,
        } => HeaderValue::from_static("doorbuster-l1; fwd=bypass"),
        Status::Bypass { origin } => {
            value(&format!("{}doorbuster-l1; fwd=bypass", second_tier(origin)))
        }
    }
}

/// The part of the second tier, where it was asked. It comes first, being closer to the origin.
fn second_tier(origin: Origin) -> String {
    match origin {
        Origin::L2 { ttl } => format!("doorbuster-l2; hit; ttl={}, ", ttl / 1000),
        Origin::StorePastL2 => "doorbuster-l2; fwd=miss; stored, ".to_owned(),
        Origin::Store => String::new(),
    }
}

/// A hit takes a ready value: cloning it is a reference count, writing it anew an allocation.
fn hit(ttl: i64) -> HeaderValue {
    let index = usize::try_from(ttl - READY_FROM).ok();
    let Some(index) = index.filter(|_| ttl <= READY_TO) else {
        return write_hit(ttl);
    };
    HITS.with_borrow_mut(|hits| match hits.get_mut(index) {
        Some(ready) => ready.get_or_insert_with(|| write_hit(ttl)).clone(),
        None => write_hit(ttl),
    })
}

/// A negative time to live is a stale hit, and says so for those who do not know the RFC.
fn write_hit(ttl: i64) -> HeaderValue {
    let stale = if ttl < 0 { "; detail=stale" } else { "" };
    value(&format!("doorbuster-l1; hit; ttl={ttl}{stale}"))
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("doorbuster-l1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_rfc() {
        for (status, expected) in [
            (Status::Hit { ttl: 42_900 }, "doorbuster-l1; hit; ttl=42"),
            (
                Status::Hit { ttl: -1 },
                "doorbuster-l1; hit; ttl=-1; detail=stale",
            ),
            (
                Status::Hit { ttl: 3_600_000 },
                "doorbuster-l1; hit; ttl=3600",
            ),
            (
                Status::Hit { ttl: -600_000 },
                "doorbuster-l1; hit; ttl=-600; detail=stale",
            ),
            (
                Status::Miss {
                    ttl: 60_000,
                    collapsed: false,
                    origin: Origin::Store,
                },
                "doorbuster-l1; fwd=miss; stored; ttl=60",
            ),
            (
                Status::Miss {
                    ttl: 60_000,
                    collapsed: true,
                    origin: Origin::Store,
                },
                "doorbuster-l1; fwd=miss; stored; ttl=60; collapsed",
            ),
            (
                Status::Miss {
                    ttl: 60_000,
                    collapsed: false,
                    origin: Origin::L2 { ttl: 600_000 },
                },
                "doorbuster-l2; hit; ttl=600, doorbuster-l1; fwd=miss; stored; ttl=60",
            ),
            (
                Status::Miss {
                    ttl: 60_000,
                    collapsed: true,
                    origin: Origin::StorePastL2,
                },
                "doorbuster-l2; fwd=miss; stored, doorbuster-l1; fwd=miss; stored; ttl=60; collapsed",
            ),
            (
                Status::Bypass {
                    origin: Origin::Store,
                },
                "doorbuster-l1; fwd=bypass",
            ),
            (
                Status::Bypass {
                    origin: Origin::L2 { ttl: 999 },
                },
                "doorbuster-l2; hit; ttl=0, doorbuster-l1; fwd=bypass",
            ),
        ] {
            assert_eq!(cache_status(status), expected);
            assert_eq!(cache_status(status), expected, "from the ready ones");
        }
    }
}
