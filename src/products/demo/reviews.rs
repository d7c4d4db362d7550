//! What customers say, and the rating that follows.

use super::calendar::{Dates, TODAY, rfc_3339};
use super::identity::Identity;
use super::random::{Concern, Random};
use super::vocabulary::REVIEWS;
use crate::products::input::{RatingInput, ReviewInput};

/// Most reviews of a product.
const MOST_REVIEWS: i64 = 12;

/// Reviews in order of time, and the stars of the published ones together with those of customers who
/// wrote nothing. Nothing at all for a product nobody could buy yet.
pub(super) fn reviews(
    identity: &Identity,
    dates: &Dates,
    sold: bool,
) -> (Vec<ReviewInput>, RatingInput) {
    let mut random = Random::new(Concern::Reviews, identity.number);
    if !sold || random.chance(8) {
        return (Vec::new(), RatingInput { sum: 0, count: 0 });
    }
    // Hundredths of a star.
    let quality = random.between(340, 480);
    let mut moments: Vec<i64> = (0..random.between(0, MOST_REVIEWS))
        .map(|_| random.between(dates.published, TODAY))
        .collect();
    moments.sort_unstable();

    let mut writer = Writer {
        random,
        praise: identity.praise(),
        complaints: identity.complaints(),
        used: Vec::new(),
    };
    let reviews: Vec<ReviewInput> = moments
        .into_iter()
        .filter_map(|moment| writer.review(quality, moment))
        .collect();
    let mut random = writer.random;

    let silent = random.between(0, 20) * random.between(0, 20);
    let silent_stars = (silent * (quality + random.between(-10, 10)) + 50) / 100;
    let published = || reviews.iter().filter(|review| review.status == "published");
    let rating = RatingInput {
        sum: silent_stars + published().map(|review| review.rating).sum::<i64>(),
        count: silent + published().map(|_| 1).sum::<i64>(),
    };
    (reviews, rating)
}

/// A full name whose parts go together.
pub(super) fn person(random: &mut Random) -> String {
    let names = random.pick(&REVIEWS.names);
    format!(
        "{} {}",
        random.pick(&names.given),
        random.pick(&names.family)
    )
}

/// Writes the reviews of one product without using a sentence twice.
struct Writer {
    random: Random,
    praise: &'static [String],
    complaints: &'static [String],
    used: Vec<&'static str>,
}

impl Writer {
    /// A review around the product's quality; nothing once the fitting sentences are used up.
    fn review(&mut self, quality: i64, moment: i64) -> Option<ReviewInput> {
        if self.random.chance(2) {
            return self.spam(moment);
        }
        let spread = self.random.between(-120, 120) + self.random.between(-120, 120);
        let rating = ((quality + spread + 50) / 100).clamp(1, 5);
        let texts = &REVIEWS.stars[usize::try_from(rating - 1).unwrap_or_default()];
        let aside = rating == 4 && self.random.chance(35);

        let opening = self.fresh(&texts.openings);
        let praise = (rating >= 3).then(|| self.fresh(self.praise)).flatten();
        let complaint = (rating <= 3 || aside)
            .then(|| self.fresh(self.complaints))
            .flatten();
        let lead =
            (aside && complaint.is_some()).then(|| self.random.pick(&REVIEWS.aside).as_str());
        praise.or(complaint).or(opening)?;
        let ending = self.random.pick(&texts.endings).as_str();
        let body: Vec<&str> = [opening, praise, lead, complaint, Some(ending)]
            .into_iter()
            .flatten()
            .filter(|sentence| !sentence.is_empty())
            .collect();
        let status = if self.random.chance(5) {
            "pending"
        } else {
            "published"
        };
        Some(ReviewInput {
            rating,
            title: self.random.pick(&texts.titles).clone(),
            body: body.join(" "),
            author: person(&mut self.random),
            status: status.to_owned(),
            created_at: Some(rfc_3339(moment)),
        })
    }

    fn spam(&mut self, moment: i64) -> Option<ReviewInput> {
        let body = self.fresh(&REVIEWS.spam.bodies)?;
        Some(ReviewInput {
            rating: 5,
            title: self.random.pick(&REVIEWS.spam.titles).clone(),
            body: body.to_owned(),
            author: person(&mut self.random),
            status: "rejected".to_owned(),
            created_at: Some(rfc_3339(moment)),
        })
    }

    /// A sentence that was not used yet.
    fn fresh(&mut self, sentences: &'static [String]) -> Option<&'static str> {
        let left: Vec<&str> = sentences
            .iter()
            .map(String::as_str)
            .filter(|sentence| !self.used.contains(sentence))
            .collect();
        if left.is_empty() {
            return None;
        }
        let sentence = *self.random.pick(&left);
        self.used.push(sentence);
        Some(sentence)
    }
}
