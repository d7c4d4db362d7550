//! "Goes with": links to products that stand on the shelf already.

use std::collections::VecDeque;

use super::identity::Identity;
use super::prices::Pricing;
use super::random::{Concern, Random};
use super::vocabulary::KINDS;
use crate::products::input::RelationInput;
use crate::products::money::Currency;

/// Products on the shelf at most: each new one looks at all of them, and there may be a million.
const ROOM: usize = 1_000;

/// The last public products.
#[derive(Default)]
pub(super) struct Shelf {
    goods: VecDeque<Good>,
}

struct Good {
    handle: String,
    kind_index: usize,
    minor: i64,
    currency: Currency,
}

impl Shelf {
    /// Adds a product for later ones to point at.
    pub(super) fn put(&mut self, identity: &Identity, pricing: &Pricing) {
        if self.goods.len() == ROOM {
            self.goods.pop_front();
        }
        self.goods.push_back(Good {
            handle: identity.handle.clone(),
            kind_index: identity.kind_index,
            minor: pricing.at(100),
            currency: pricing.currency,
        });
    }

    /// Two to four related products of the department, of the same kind and of others in turn; something
    /// from each kind that goes with it; and now and then a dearer one of the same kind and currency.
    pub(super) fn relations(&self, identity: &Identity, pricing: &Pricing) -> Vec<RelationInput> {
        let same_kind = |good: &Good| good.kind_index == identity.kind_index;
        let same_department =
            |good: &Good| KINDS[good.kind_index].0.code == identity.department.code;
        let mut relations = Relations {
            shelf: self,
            random: Random::new(Concern::Relations, identity.number),
            list: Vec::new(),
        };
        if relations.random.chance(40) {
            let price = pricing.at(100);
            let dearer = price + price / 10..=price * 2;
            relations.add("upsell", |good| {
                same_kind(good) && good.currency == pricing.currency && dearer.contains(&good.minor)
            });
        }
        for turn in 0..relations.random.between(2, 4) {
            if turn % 2 == 1 || !relations.add("related", same_kind) {
                relations.add("related", |good| same_department(good) && !same_kind(good));
            }
        }
        for noun in &identity.kind.accessories {
            relations.add("accessory", |good| KINDS[good.kind_index].1.noun == *noun);
        }
        relations.list
    }
}

/// The relations of one product in the making.
struct Relations<'a> {
    shelf: &'a Shelf,
    random: Random,
    list: Vec<RelationInput>,
}

impl Relations<'_> {
    /// Adds a random product that fits and is not in the list yet. False where there is none.
    fn add(&mut self, kind: &str, fits: impl Fn(&Good) -> bool) -> bool {
        let is_new = |good: &&Good| self.list.iter().all(|known| known.handle != good.handle);
        let goods = self.shelf.goods.iter();
        let fitting: Vec<&Good> = goods.filter(|good| fits(good)).filter(is_new).collect();
        if fitting.is_empty() {
            return false;
        }
        self.list.push(RelationInput {
            handle: self.random.pick(&fitting).handle.clone(),
            kind: kind.to_owned(),
        });
        true
    }
}
