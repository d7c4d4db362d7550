//! What is searched for.

use std::sync::Arc;

use serde::Serialize;

use super::popularity::Ratings;
use crate::products::listing::{Listing, Sort};
use crate::search::interpretation::Question;

/// Longest text, in characters.
pub const MAX_CHARACTERS: usize = 200;
/// Most words.
const MAX_WORDS: usize = 12;

/// The order of what was found. Products that are equal in it come in the order of their ids, the last one
/// first unless the order is by rising price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum SearchSort {
    /// Best first; without words to search for, as [`SearchSort::Newest`].
    #[default]
    Relevance,
    /// Last published first.
    Newest,
    /// Lowest price first, one currency after the other; those without a price are left out.
    Price,
    /// Highest price first, one currency after the other; those without a price are left out.
    PriceFalling,
    /// Best average first, of equal ones the more popular.
    Rating,
    /// Most popular first, by ratings and views as in lists, of equal ones the better rated.
    Popular,
}

impl SearchSort {
    /// Every order there is.
    pub const ALL: [Self; 6] = [
        Self::Relevance,
        Self::Newest,
        Self::Price,
        Self::PriceFalling,
        Self::Rating,
        Self::Popular,
    ];

    /// The word for it in a query.
    pub fn word(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Newest => "newest",
            Self::Price => "price",
            Self::PriceFalling => "-price",
            Self::Rating => "rating",
            Self::Popular => "popular",
        }
    }
}

/// Why a text cannot be searched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Too many characters.
    #[error("is {0} characters long, more than {MAX_CHARACTERS}; search for less")]
    TooLong(usize),
    /// Too many words.
    #[error("has {0} words, more than {MAX_WORDS}; search for fewer")]
    TooManyWords(usize),
}

/// A search: words, filters, order and page.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    pub(super) question: Question,
    /// As in lists. The order in it is not heeded.
    pub filters: Listing,
    /// At least this average rating, in tenths of a star, as it is shown.
    pub rating_min: Option<u64>,
    /// The order.
    pub sort: SearchSort,
    /// Where a page before this one ended.
    pub cursor: Option<String>,
    /// Most items.
    pub limit: usize,
    /// Whether facets are counted.
    pub counts_facets: bool,
    /// As how many ratings views count, for orders that heed them.
    pub(super) viewed: Arc<Ratings>,
}

impl SearchQuery {
    /// Everything about a text, the best first. One without a letter or digit is about everything there is.
    pub fn new(text: &str, limit: usize) -> Result<Self, QueryError> {
        let length = text.chars().count();
        if length > MAX_CHARACTERS {
            return Err(QueryError::TooLong(length));
        }
        let question = Question::new(text);
        if question.len() > MAX_WORDS {
            return Err(QueryError::TooManyWords(question.len()));
        }
        Ok(Self {
            question,
            filters: Listing::default(),
            rating_min: None,
            sort: SearchSort::default(),
            cursor: None,
            limit,
            counts_facets: true,
            viewed: Arc::default(),
        })
    }

    /// Whether the order heeds how often products were looked at.
    pub(super) fn heeds_views(&self) -> bool {
        matches!(self.order(), SearchSort::Popular | SearchSort::Rating)
    }

    /// The order that it comes to.
    pub(super) fn order(&self) -> SearchSort {
        match self.sort {
            SearchSort::Relevance if self.question.is_empty() => SearchSort::Newest,
            sort => sort,
        }
    }

    /// A text that is the same for all searches that find the same in the same order: what cursors are bound
    /// to, and what pages may be kept under.
    pub fn scope(&self) -> String {
        let filters = Listing {
            sort: Sort::default(),
            ..self.filters.clone()
        };
        let parts = (
            self.question.normalized(),
            filters,
            self.rating_min,
            self.order(),
        );
        // Strings and numbers: this cannot fail.
        let parts = serde_json::to_string(&parts).unwrap_or_default();
        format!("search 1 {parts}")
    }
}
