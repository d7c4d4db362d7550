//! Kinds of requests, by what they cost and how much a shop needs them.

/// What a request is for. In order of importance: where not all can be served, the later ones give way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteClass {
    /// Changes something: a write that is refused is work lost to somebody.
    Write,
    /// One product, or several by id, and its exact stock: what stands between a customer and a purchase.
    Product,
    /// Pages of products, categories, exports.
    List,
    /// Full text and facets.
    Search,
    /// What a page can do without: reviews, recommendations, documentation.
    Extra,
}

impl RouteClass {
    /// All of them, the most important first.
    pub const ALL: [Self; 5] = [
        Self::Write,
        Self::Product,
        Self::List,
        Self::Search,
        Self::Extra,
    ];

    /// As it is written in configuration, metrics and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Product => "product",
            Self::List => "list",
            Self::Search => "search",
            Self::Extra => "extra",
        }
    }

    /// The class of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether it stands between a customer and a purchase: everything else gives way to it.
    #[must_use]
    pub const fn is_essential(self) -> bool {
        matches!(self, Self::Write | Self::Product)
    }

    /// Position in [`Self::ALL`]: 0 is the most important.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name_and_place() {
        for (index, class) in RouteClass::ALL.into_iter().enumerate() {
            assert_eq!(RouteClass::by_name(class.name()), Some(class));
            assert_eq!(class.index(), index);
        }
        assert_eq!(RouteClass::by_name("Product"), None);
        assert!(RouteClass::ALL.is_sorted());
    }
}
