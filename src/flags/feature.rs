//! The features of this program that can be switched.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that the program does, and can do without, or a way of working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Products that go with a product.
    Recommendations,
    /// Reading reviews.
    Reviews,
    /// Search. Off, it is refused.
    Search,
    /// The counts beside what a search found.
    Facets,
    /// Counting how often products are looked at.
    ViewCounts,
    /// Sending what hangs on a product along with it.
    Include,
    /// Building brotli bodies, which take ten times as long as the others.
    Brotli,
    /// Loading again what is old, without having heard that it changed. Off, it is served for much longer.
    FreshPrices,
    /// Writes through the API. Off, the shop can only be read.
    Writes,
    /// Serving nothing but what stands between a customer and a purchase.
    CheckoutFirst,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Recommendations,
        Self::Reviews,
        Self::Search,
        Self::Facets,
        Self::ViewCounts,
        Self::Include,
        Self::Brotli,
        Self::FreshPrices,
        Self::Writes,
        Self::CheckoutFirst,
    ];

    /// The key of its flag.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recommendations => "recommendations",
            Self::Reviews => "reviews",
            Self::Search => "search",
            Self::Facets => "facets",
            Self::ViewCounts => "view_counts",
            Self::Include => "include",
            Self::Brotli => "brotli",
            Self::FreshPrices => "fresh_prices",
            Self::Writes => "writes",
            Self::CheckoutFirst => "checkout_first",
        }
    }

    /// The feature with this key.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }

    /// Whether it is on where nobody says anything.
    pub const fn is_on_by_default(self) -> bool {
        !matches!(self, Self::CheckoutFirst)
    }

    /// Whether requests are refused that are given up with it, rather than answered with less.
    pub const fn refuses(self) -> bool {
        matches!(
            self,
            Self::Reviews | Self::Search | Self::Writes | Self::CheckoutFirst
        )
    }

    const fn bit(self) -> u64 {
        1 << self as u64
    }
}

/// Which features are not as they are built to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deviations(u64);

impl Deviations {
    /// Everything is as it is built to be.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether a feature is on.
    #[inline]
    pub const fn is_on(self, feature: Feature) -> bool {
        (self.0 & feature.bit() == 0) == feature.is_on_by_default()
    }

    /// The features, in the order of [`Feature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        let all = Feature::ALL.into_iter();
        all.filter(move |feature| self.0 & feature.bit() != 0)
    }
}

impl FromIterator<Feature> for Deviations {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        let bits = features.into_iter().map(Feature::bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

/// How the features stand now. Clones share it; reading it is one relaxed load.
#[derive(Debug, Clone, Default)]
pub struct Features(Arc<AtomicU64>);

impl Features {
    /// As of now.
    #[inline]
    pub fn now(&self) -> Deviations {
        Deviations(self.0.load(Ordering::Relaxed))
    }

    /// Whether a feature is on.
    #[inline]
    pub fn is_on(&self, feature: Feature) -> bool {
        self.now().is_on(feature)
    }

    /// Replaces what was, and returns it.
    pub(super) fn set(&self, deviations: Deviations) -> Deviations {
        Deviations(self.0.swap(deviations.0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_has_a_name_and_a_place_of_its_own() {
        for feature in Feature::ALL {
            assert_eq!(Feature::by_name(feature.name()), Some(feature));
            let features = Features::default();
            assert_eq!(features.is_on(feature), feature.is_on_by_default());
            features.set([feature].into_iter().collect());
            assert_eq!(features.now().iter().collect::<Vec<_>>(), [feature]);
            for other in Feature::ALL {
                let expected = other.is_on_by_default() != (other == feature);
                assert_eq!(features.is_on(other), expected, "{feature:?} {other:?}");
            }
        }
        assert!(Deviations::default().is_none());
        assert_eq!(Feature::by_name("Reviews"), None);
    }
}
