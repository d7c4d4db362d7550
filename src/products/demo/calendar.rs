//! The dates of the demo shop, all between 2021 and the end of 2025: the past does not move.

use time::{Duration, OffsetDateTime};

use super::random::{Concern, Random};

/// 2021-03-01T08:00:00Z.
const OPENING: i64 = 1_614_585_600;
/// 2025-09-30T20:00:00Z: the last product's arrival.
const LAST_ARRIVAL: i64 = 1_759_262_400;
/// 2025-01-01T00:00:00Z: what came later is tagged as new.
const NEW_SINCE: i64 = 1_735_689_600;
/// 2025-12-31T23:59:59Z.
pub(super) const TODAY: i64 = 1_767_225_599;
const DAY: i64 = 86_400;

/// When things happened to a product, in seconds since 1970.
pub(super) struct Dates {
    created: i64,
    pub(super) published: i64,
    updated: i64,
}

impl Dates {
    pub(super) fn of(number: usize) -> Self {
        let mut random = Random::new(Concern::Dates, number);
        let created = random.between(OPENING, LAST_ARRIVAL);
        let published = created + random.between(DAY / 24, 30 * DAY);
        Self {
            created,
            published,
            updated: random.between(published, TODAY),
        }
    }

    pub(super) fn is_new(&self) -> bool {
        self.created >= NEW_SINCE
    }

    pub(super) fn created_at(&self) -> String {
        rfc_3339(self.created)
    }

    pub(super) fn published_at(&self) -> String {
        rfc_3339(self.published)
    }

    pub(super) fn updated_at(&self) -> String {
        rfc_3339(self.updated)
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn rfc_3339(seconds: i64) -> String {
    let moment = OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds);
    let (hour, minute, second) = moment.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}.000Z", moment.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_the_dates_they_claim_to_be() {
        assert_eq!(rfc_3339(OPENING), "2021-03-01T08:00:00.000Z");
        assert_eq!(rfc_3339(LAST_ARRIVAL), "2025-09-30T20:00:00.000Z");
        assert_eq!(rfc_3339(NEW_SINCE), "2025-01-01T00:00:00.000Z");
        assert_eq!(rfc_3339(TODAY), "2025-12-31T23:59:59.000Z");
    }
}
