//! Requests, counted by where they went, how they ended and how long that took. Both are words of this file: no path,
//! method or host of a client ever becomes one.

use std::sync::Arc;
use std::time::Duration;

use super::histogram::{BUCKETS, Durations, bucket};
use super::tally::Tally;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A product by its id.
    Product,
    /// A product by handle or sku.
    ProductByName,
    /// Exact stock.
    Stock,
    /// Reviews of a product.
    Reviews,
    /// What goes with a product.
    Recommendations,
    /// Pages of products, and several by their ids.
    List,
    /// Exports.
    Export,
    /// Full text.
    Search,
    /// The tree of categories.
    Categories,
    /// What changes something.
    Write,
    /// Flags, for storefronts.
    Flags,
    /// Whether the process lives, and is ready.
    Health,
    /// Documentation, preflights, and paths that are no routes.
    Other,
}

impl Route {
    /// All of them, in the order of the code.
    pub const ALL: [Self; 13] = [
        Self::Product,
        Self::ProductByName,
        Self::Stock,
        Self::Reviews,
        Self::Recommendations,
        Self::List,
        Self::Export,
        Self::Search,
        Self::Categories,
        Self::Write,
        Self::Flags,
        Self::Health,
        Self::Other,
    ];

    /// As the label has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::ProductByName => "product_by_name",
            Self::Stock => "stock",
            Self::Reviews => "reviews",
            Self::Recommendations => "recommendations",
            Self::List => "list",
            Self::Export => "export",
            Self::Search => "search",
            Self::Categories => "categories",
            Self::Write => "write",
            Self::Flags => "flags",
            Self::Health => "health",
            Self::Other => "other",
        }
    }

    /// Whether it is a read of one product, for which there is a promise of its own.
    pub const fn is_product_read(self) -> bool {
        matches!(self, Self::Product | Self::ProductByName)
    }
}

/// How a request ended. The two that tell of too much traffic are told apart from the others of their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// 1xx and 2xx.
    Success,
    /// 3xx.
    Redirection,
    /// 4xx but 429.
    ClientError,
    /// 429: the client asked too often.
    RateLimited,
    /// 5xx but 503.
    ServerError,
    /// 503: shed, switched off, or what is needed is away.
    Unavailable,
    /// The client did not wait for an answer.
    Cancelled,
}

impl Code {
    /// All of them, in the order of the code.
    pub const ALL: [Self; 7] = [
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::RateLimited,
        Self::ServerError,
        Self::Unavailable,
        Self::Cancelled,
    ];

    /// Of an HTTP status.
    pub const fn of(status: u16) -> Self {
        match status {
            429 => Self::RateLimited,
            503 => Self::Unavailable,
            ..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }

    /// As the label has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::RateLimited => "429",
            Self::ServerError => "5xx",
            Self::Unavailable => "503",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the client got what there is to be had. How fast a refusal is says nothing of how fast answers are.
    const fn is_answer(self) -> bool {
        matches!(self, Self::Success | Self::Redirection | Self::ClientError)
    }
}

const CODES: usize = Code::ALL.len();
/// Counters of a route: how its requests ended, how long its answers took, and that together.
const OF_A_ROUTE: usize = CODES + BUCKETS + 1;
const SUM: usize = CODES + BUCKETS;

/// The counters of this process. Counting is a few additions to lines that no other thread writes: see `Tally`. Clones
/// share them.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Tally<{ Route::ALL.len() * OF_A_ROUTE }>>);

/// What became of the requests of a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteCounts {
    /// In the order of [`Code::ALL`].
    pub codes: [u64; CODES],
    /// How long it took until the head of an answer was ready; refusals and failures are not among them.
    pub durations: Durations,
}

impl RouteCounts {
    /// Those that ended so.
    pub fn ended(&self, code: Code) -> u64 {
        self.codes[code as usize]
    }

    /// All of them.
    pub fn count(&self) -> u64 {
        self.codes.iter().sum()
    }

    /// What was added since an earlier state of the same.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            codes: std::array::from_fn(|at| self.codes[at].saturating_sub(earlier.codes[at])),
            durations: self.durations.since(&earlier.durations),
        }
    }

    /// Both together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self {
            codes: std::array::from_fn(|at| self.codes[at] + other.codes[at]),
            durations: self.durations.with(&other.durations),
        }
    }
}

impl Requests {
    /// A request ended. Awaits nothing, locks nothing, allocates nothing.
    pub fn count(&self, route: Route, code: Code, took: Duration) {
        let first = route as usize * OF_A_ROUTE;
        let ended = (first + code as usize, 1);
        if code.is_answer() {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            let timed = (first + CODES + bucket(nanos), 1);
            self.0.add([ended, timed, (first + SUM, nanos)]);
        } else {
            self.0.add([ended]);
        }
    }

    /// As they stand, in the order of [`Route::ALL`].
    pub fn read(&self) -> [RouteCounts; Route::ALL.len()] {
        let counters = self.0.read();
        std::array::from_fn(|route| {
            let of_route = &counters[route * OF_A_ROUTE..][..OF_A_ROUTE];
            RouteCounts {
                codes: std::array::from_fn(|code| of_route[code]),
                durations: Durations {
                    buckets: std::array::from_fn(|at| of_route[CODES + at]),
                    sum: of_route[SUM],
                },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_words_is_that_of_the_counters() {
        for (at, route) in Route::ALL.into_iter().enumerate() {
            assert_eq!(route as usize, at);
        }
        for (at, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at);
        }
    }

    #[test]
    fn every_status_has_a_code() {
        for (status, name) in [
            (100, "2xx"),
            (200, "2xx"),
            (304, "3xx"),
            (404, "4xx"),
            (429, "429"),
            (500, "5xx"),
            (503, "503"),
            (599, "5xx"),
        ] {
            assert_eq!(Code::of(status).name(), name, "{status}");
        }
    }

    #[test]
    fn answers_are_timed_and_refusals_are_not() {
        let requests = Requests::default();
        requests.count(Route::Search, Code::Success, Duration::from_millis(3));
        requests.count(Route::Search, Code::Unavailable, Duration::from_secs(1));
        requests.count(Route::Product, Code::RateLimited, Duration::from_micros(9));
        let read = requests.read();
        let search = read[Route::Search as usize];
        assert_eq!(search.ended(Code::Success), 1);
        assert_eq!(search.ended(Code::Unavailable), 1);
        assert_eq!(search.durations.count(), 1);
        assert_eq!(search.durations.sum, 3_000_000);
        let product = read[Route::Product as usize];
        assert_eq!((product.count(), product.durations.count()), (1, 0));
    }
}
