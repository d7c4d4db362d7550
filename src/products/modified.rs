//! When a product last changed, read from its finished document.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The last member of every document, up to its value.
const NAME: &[u8] = b"\"updated_at\":\"";
/// The value as the catalogue keeps it: `2026-11-24T16:40:32.000Z`.
const VALUE: usize = 24;
/// What follows it.
const END: &[u8] = b"\"}";

/// Whole seconds since 1970.
pub type Seconds = NonZeroU32;

/// The second in which the product changed. `None` where the document does not say, or that second is not over at
/// `now`: another change may come within it, which nobody who only remembers the second would notice
/// (RFC 9110 §8.8.2.2).
pub(super) fn last_modified(body: &[u8], now: SystemTime) -> Option<Seconds> {
    let rest = body.strip_suffix(END)?;
    let (rest, value) = rest.split_at(rest.len().checked_sub(VALUE)?);
    if !rest.ends_with(NAME) {
        return None;
    }
    let value = std::str::from_utf8(value).ok()?;
    let time = OffsetDateTime::parse(value, &Rfc3339).ok()?;
    let seconds = Seconds::new(u32::try_from(time.unix_timestamp()).ok()?)?;
    let over = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(seconds.get()) + 1);
    (over <= now).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn document(updated_at: &str) -> String {
        format!("{{\"id\":1,\"version\":2,\"updated_at\":\"{updated_at}\"}}")
    }

    #[test]
    fn the_second_is_told_once_it_is_over() {
        let body = document("2026-11-24T16:40:32.789Z");
        let second = 1_795_538_432;
        for (now, expected) in [
            (at(second * 1000 + 789), None),
            (at(second * 1000 + 999), None),
            (at(second * 1000 + 1000), Some(1_795_538_432)),
            (at(u64::from(u32::MAX) * 1000), Some(1_795_538_432)),
            (at(0), None),
        ] {
            let told = last_modified(body.as_bytes(), now).map(Seconds::get);
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn what_is_no_document_tells_nothing() {
        let end_of_time = at(u64::from(u32::MAX) * 1000);
        for body in [
            "",
            "{}",
            "\"}",
            "lamp",
            &document("yesterday"),
            &document("2026-11-24T16:40:32Z"),
            &document("2026-99-24T16:40:32.789Z"),
            &document("1969-11-24T16:40:32.789Z"),
            &document("9999-11-24T16:40:32.789Z"),
            &document("2026-11-24T16:40:32.789Z").replace("updated", "created"),
        ] {
            assert_eq!(last_modified(body.as_bytes(), end_of_time), None, "{body}");
        }
    }
}
