//! `GET` and `HEAD` of several products at once: `/products?ids=1,2,3`.

use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse};

use super::assembled::Assembled;
use super::problem::ApiError;
use super::products::parse_id;
use super::query::invalid;
use super::status_header::{CACHE_STATUS, cache_status};
use crate::cache::{Answer, Status};
use crate::products::catalog::Catalog;
use crate::products::document::Document;

/// Most ids of one request.
pub(super) const MAX_IDS: usize = 100;

/// Answers for the ids given, which say all there is to say.
pub(super) async fn by_ids(
    request: &HttpRequest,
    catalog: &Catalog,
    ids: &str,
) -> Result<HttpResponse, ApiError> {
    let ids = parse_ids(ids)?;
    let answers = catalog.products(&ids).await?;
    Ok(respond(request, &ids, answers))
}

/// In the order given. An id that comes again is answered at its first place.
fn parse_ids(text: &str) -> Result<Vec<i64>, ApiError> {
    let given = text.split(',').count();
    if given > MAX_IDS {
        let reason = format!("{given} ids are more than {MAX_IDS}; ask in several requests");
        return Err(invalid("ids", reason));
    }
    let mut ids = Vec::with_capacity(given);
    for id in text.split(',') {
        let id = parse_id(id).map_err(|error| invalid("ids", error.to_string()))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// `{"items":[…],"missing":[…]}`.
fn respond(request: &HttpRequest, ids: &[i64], answers: Vec<Answer<Document>>) -> HttpResponse {
    let status = weakest(answers.iter().map(|answer| answer.status));
    let missing: Vec<String> = ids
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.value.is_err())
        .map(|(id, _)| id.to_string())
        .collect();
    let mut body = Assembled::new();
    body.push_text("{");
    body.push_items(
        answers
            .into_iter()
            .filter_map(|answer| Some((answer.version, answer.value.ok()?))),
    );
    body.push_text(format!(",\"missing\":[{}]}}", missing.join(",")));
    let mut response = body.respond(request.headers());
    let cache_status = status.map_or(HeaderValue::from_static("doorbuster-l1"), cache_status);
    response.headers_mut().insert(CACHE_STATUS, cache_status);
    response
}

/// One word for all: a hit if all were hits, with the shortest time to live.
pub(super) fn weakest(all: impl Iterator<Item = Status>) -> Option<Status> {
    all.reduce(|one, other| match (one, other) {
        (Status::Bypass { origin: one }, Status::Bypass { origin: other }) => Status::Bypass {
            origin: one.max(other),
        },
        (bypass @ Status::Bypass { .. }, _) | (_, bypass @ Status::Bypass { .. }) => bypass,
        (Status::Hit { ttl: one }, Status::Hit { ttl: other }) => Status::Hit {
            ttl: one.min(other),
        },
        (miss @ Status::Miss { .. }, Status::Hit { .. })
        | (Status::Hit { .. }, miss @ Status::Miss { .. }) => miss,
        (
            Status::Miss {
                ttl: one,
                collapsed: one_waited,
                origin: from_one,
            },
            Status::Miss {
                ttl: other,
                collapsed: other_waited,
                origin: from_other,
            },
        ) => Status::Miss {
            ttl: one.min(other),
            collapsed: one_waited && other_waited,
            origin: from_one.max(from_other),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Origin;

    #[test]
    fn ids_keep_their_order_and_come_once() {
        assert_eq!(parse_ids("3,1,3,2,1").unwrap(), [3, 1, 2]);
        let most = vec!["7"; MAX_IDS].join(",");
        assert_eq!(parse_ids(&most).unwrap(), [7]);
        assert!(parse_ids(&format!("{most},8")).is_err());
        for bad in ["", "1,", ",1", "1,,2", "1, 2", "1,x"] {
            assert!(parse_ids(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_miss_makes_the_whole_a_miss() {
        let hit = |ttl| Status::Hit { ttl };
        let from = |ttl, collapsed, origin| Status::Miss {
            ttl,
            collapsed,
            origin,
        };
        let miss = |ttl, collapsed| from(ttl, collapsed, Origin::Store);
        let of = |all: &[Status]| weakest(all.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[hit(9), hit(-5), hit(7)]), Some(hit(-5)));
        assert_eq!(of(&[hit(9), miss(60, true)]), Some(miss(60, true)));
        assert_eq!(
            of(&[miss(50, false), hit(1), miss(60, true)]),
            Some(miss(50, false))
        );
        let bypass = Status::Bypass {
            origin: Origin::Store,
        };
        assert_eq!(of(&[miss(1, true), bypass]), Some(bypass));
        // And the one that came from farthest tells for all.
        let near = from(7, false, Origin::L2 { ttl: 9 });
        let far = from(8, false, Origin::StorePastL2);
        let both = from(7, false, Origin::StorePastL2);
        assert_eq!(of(&[near, far]), Some(both));
        assert_eq!(of(&[hit(9), near]), Some(near));
    }
}
