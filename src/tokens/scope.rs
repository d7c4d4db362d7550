//! What a token allows.

use std::fmt;

/// One thing that a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Creating, changing and deleting products.
    CatalogWrite,
    /// Setting and adjusting stock.
    StockWrite,
    /// Publishing and rejecting reviews.
    ReviewsModerate,
    /// Operating the server.
    Ops,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [
        Self::CatalogWrite,
        Self::StockWrite,
        Self::ReviewsModerate,
        Self::Ops,
    ];

    /// The name, as clients and operators write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CatalogWrite => "catalog:write",
            Self::StockWrite => "stock:write",
            Self::ReviewsModerate => "reviews:moderate",
            Self::Ops => "ops",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// True where `scope` is one of them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// In the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }

    /// Reads names separated by spaces. One that this version does not know allows nothing here.
    pub fn parse(names: &str) -> Self {
        names.split(' ').filter_map(Scope::parse).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Separated by spaces, as in RFC 6749 §3.3.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_are_written() {
        for bits in 0..1 << Scope::ALL.len() {
            let scopes = Scopes(bits);
            assert_eq!(Scopes::parse(&scopes.to_string()), scopes);
            assert_eq!(scopes.iter().collect::<Scopes>(), scopes);
        }
        assert_eq!(Scopes::parse("stock:write flags:write").iter().count(), 1);
        assert_eq!(Scopes::default().to_string(), "");
    }

    #[test]
    fn one_scope_does_not_allow_another() {
        for scope in Scope::ALL {
            let scopes: Scopes = [scope].into_iter().collect();
            for other in Scope::ALL {
                assert_eq!(scopes.contains(other), scope == other);
            }
        }
    }
}
