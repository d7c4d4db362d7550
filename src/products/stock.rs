//! The exact stock of a variant, and what may be done to it.

mod document;

pub(super) use document::Members;

use super::input::InventoryPolicy;
use super::validate::MAX_QUANTITY;

/// The numbers that are kept of a variant whose stock is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantities {
    /// Units in the warehouse.
    pub on_hand: i64,
    /// Units promised to open orders.
    pub reserved: i64,
    /// Shown as low stock at this many available units and below.
    pub low_stock_at: i64,
}

impl Quantities {
    /// Units that can be sold; below zero where more was promised than there is.
    pub fn available(self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// What is to be done to the stock of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StockChange {
    /// The numbers as they were counted.
    Set {
        /// Units in the warehouse.
        on_hand: i64,
        /// Units promised to open orders; as they are where `None`.
        reserved: Option<i64>,
        /// The threshold of low stock; as it is where `None`.
        low_stock_at: Option<i64>,
    },
    /// So many units more, or fewer.
    Adjust {
        /// Added to what is on hand; never 0.
        delta: i64,
        /// Why, such as `sale`.
        reason: String,
    },
}

impl StockChange {
    /// The reason that the log gives for a count.
    const COUNTED: &'static str = "set";

    /// Why the stock changes, for the log.
    pub fn reason(&self) -> &str {
        match self {
            Self::Set { .. } => Self::COUNTED,
            Self::Adjust { reason, .. } => reason,
        }
    }

    /// The numbers afterwards. Units are taken only as long as there are some to be sold, unless the variant is
    /// sold on without stock. Units may always be added.
    pub fn apply(
        &self,
        before: Quantities,
        policy: InventoryPolicy,
    ) -> Result<Quantities, StockRefusal> {
        match *self {
            Self::Set {
                on_hand,
                reserved,
                low_stock_at,
            } => Ok(Quantities {
                on_hand,
                reserved: reserved.unwrap_or(before.reserved),
                low_stock_at: low_stock_at.unwrap_or(before.low_stock_at),
            }),
            Self::Adjust { delta, .. } => {
                let on_hand = before
                    .on_hand
                    .checked_add(delta)
                    .filter(|on_hand| (-MAX_QUANTITY..=MAX_QUANTITY).contains(on_hand))
                    .ok_or(StockRefusal::OutOfRange {
                        on_hand: before.on_hand,
                    })?;
                let after = Quantities { on_hand, ..before };
                if delta < 0 && after.available() < 0 && policy == InventoryPolicy::Deny {
                    return Err(StockRefusal::Insufficient {
                        available: before.available(),
                    });
                }
                Ok(after)
            }
        }
    }
}

/// Why the stock of a variant was left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockRefusal {
    /// No variant of a product that is not deleted has this sku.
    NoVariant,
    /// The variant's stock is not tracked: it has no number.
    NotTracked,
    /// Fewer units can be sold than are asked for.
    Insufficient {
        /// Those that can be sold.
        available: i64,
    },
    /// The number would be beyond what is kept.
    OutOfRange {
        /// The number as it is.
        on_hand: i64,
    },
}

/// The stock of a variant after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// The product that the variant belongs to.
    pub product_id: i64,
    /// The variant.
    pub variant_id: i64,
    /// What happens when it runs out.
    pub policy: InventoryPolicy,
    /// The numbers.
    pub quantities: Quantities,
    /// Version of the product, which is a new one where what a customer sees has changed.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quantities() -> impl Strategy<Value = Quantities> {
        let number = || -20..50_i64;
        (number(), 0..20_i64, 0..10_i64).prop_map(|(on_hand, reserved, low_stock_at)| Quantities {
            on_hand,
            reserved,
            low_stock_at,
        })
    }

    proptest! {
        #[test]
        fn what_may_not_be_sold_is_never_sold(before in quantities(), delta in -60..60_i64) {
            let adjust = StockChange::Adjust { delta, reason: "sale".to_owned() };
            let after = Quantities { on_hand: before.on_hand + delta, ..before };
            prop_assert_eq!(adjust.apply(before, InventoryPolicy::Continue), Ok(after));
            let denied = adjust.apply(before, InventoryPolicy::Deny);
            if delta >= 0 || after.available() >= 0 {
                prop_assert_eq!(denied, Ok(after));
            } else {
                let available = before.available();
                prop_assert_eq!(denied, Err(StockRefusal::Insufficient { available }));
            }
        }
    }

    #[test]
    fn numbers_beyond_the_limit_are_refused() {
        let before = Quantities {
            on_hand: MAX_QUANTITY,
            reserved: 0,
            low_stock_at: 5,
        };
        for delta in [1, i64::MAX, i64::MIN] {
            let reason = "typing error".to_owned();
            let refused =
                StockChange::Adjust { delta, reason }.apply(before, InventoryPolicy::Continue);
            let on_hand = MAX_QUANTITY;
            assert_eq!(refused, Err(StockRefusal::OutOfRange { on_hand }));
        }
    }

    #[test]
    fn a_count_keeps_what_it_does_not_say() {
        let before = Quantities {
            on_hand: 3,
            reserved: 2,
            low_stock_at: 1,
        };
        let set = |reserved, low_stock_at| {
            StockChange::Set {
                on_hand: 9,
                reserved,
                low_stock_at,
            }
            .apply(before, InventoryPolicy::Deny)
        };
        let on_hand = 9;
        assert_eq!(set(None, None), Ok(Quantities { on_hand, ..before }));
        let said = Quantities {
            on_hand,
            reserved: 0,
            low_stock_at: 7,
        };
        assert_eq!(set(Some(0), Some(7)), Ok(said));
    }
}
