//! `Last-Modified` and the conditions that name it (RFC 9110 §8.8.2, §13.1.3, §13.1.4).

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, HttpDate};

use crate::products::document::Seconds;

/// Values that each worker keeps ready. Products that were imported together share one.
const READY: usize = 256;

thread_local! {
    static VALUES: RefCell<Vec<Option<(Seconds, HeaderValue)>>> = RefCell::new(vec![None; READY]);
}

/// The value of `Last-Modified`. A ready one costs a reference count; writing it anew, a dozen divisions and an
/// allocation.
pub(super) fn header(modified: Seconds) -> HeaderValue {
    VALUES.with_borrow_mut(|values| {
        let slot = &mut values[modified.get() as usize % READY];
        match slot {
            Some((of, value)) if *of == modified => value.clone(),
            _ => slot.insert((modified, write(modified))).1.clone(),
        }
    })
}

fn write(modified: Seconds) -> HeaderValue {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(modified.get().into());
    HeaderValue::from_str(&HttpDate::from(time).to_string())
        .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

/// Whether nothing changed since the date that this header of a request names. `None` where the header says
/// nothing: it is not there, is not one date, or there is no date to compare it with.
pub(super) fn is_unmodified_since(
    name: HeaderName,
    request: &HeaderMap,
    modified: Option<Seconds>,
) -> Option<bool> {
    let mut values = request.get_all(name);
    let (Some(date), None) = (values.next(), values.next()) else {
        return None;
    };
    let date: HttpDate = date.to_str().ok()?.parse().ok()?;
    let modified = Duration::from_secs(modified?.get().into());
    // Whole seconds on both sides.
    Some(SystemTime::UNIX_EPOCH + modified <= SystemTime::from(date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::IF_MODIFIED_SINCE;
    use proptest::prelude::*;

    fn seconds(number: u32) -> Seconds {
        Seconds::new(number).unwrap()
    }

    #[test]
    fn it_is_a_date_of_http() {
        for _ in ["written", "ready"] {
            assert_eq!(
                header(seconds(784_111_777)),
                "Sun, 06 Nov 1994 08:49:37 GMT"
            );
            // In the same slot.
            let other = seconds(784_111_777 + 256);
            assert_eq!(header(other), "Sun, 06 Nov 1994 08:53:53 GMT");
        }
    }

    fn asked(values: &[&str], modified: Option<u32>) -> Option<bool> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MODIFIED_SINCE, HeaderValue::from_str(value).unwrap());
        }
        is_unmodified_since(IF_MODIFIED_SINCE, &headers, modified.map(seconds))
    }

    #[test]
    fn all_three_forms_of_a_date_are_understood_and_nothing_else() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(asked(&[date], Some(784_111_776)), Some(true), "{date}");
            assert_eq!(asked(&[date], Some(784_111_777)), Some(true), "{date}");
            assert_eq!(asked(&[date], Some(784_111_778)), Some(false), "{date}");
            assert_eq!(asked(&[date], None), None);
            assert_eq!(asked(&[date, date], Some(1)), None, "two members");
        }
        for no_date in [
            "",
            "now",
            "784111777",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37",
        ] {
            assert_eq!(asked(&[no_date], Some(1)), None, "{no_date}");
        }
        assert_eq!(asked(&[], Some(1)), None);
    }

    proptest! {
        #[test]
        fn what_was_sent_is_understood(modified in 1..u32::MAX, later in 0..1_000_u32) {
            let sent = header(seconds(modified));
            let sent = sent.to_str().unwrap();
            let changed = modified.saturating_add(later);
            prop_assert_eq!(asked(&[sent], Some(changed)), Some(changed == modified));
        }
    }
}
