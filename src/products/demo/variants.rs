//! Options and variants: which combinations there are, what they weigh, and how many are in stock.

use super::identity::Identity;
use super::prices::Pricing;
use super::random::{Concern, Random};
use super::vocabulary::Axis;
use crate::products::input::{InventoryPolicy, ProductOption, VariantInput};

/// Most variants of a product.
const MOST_VARIANTS: usize = 12;

/// The option whose values pictures show.
const COLOUR: &str = "Colour";

/// What can be bought.
pub(super) struct Assortment {
    pub(super) options: Vec<ProductOption>,
    pub(super) variants: Vec<VariantInput>,
    /// Values of the colour option; picture n shows colour n.
    pub(super) colours: Vec<String>,
}

/// An axis with the values a product takes of it.
struct Choice {
    axis: &'static Axis,
    /// Indices into the axis' values, rising.
    taken: Vec<usize>,
}

/// The options of a product and every combination of their values.
pub(super) fn variants(identity: &Identity, pricing: &Pricing) -> Assortment {
    let choices = choices(identity);
    let mut random = Random::new(Concern::Stock, identity.number);
    let stocking = Stocking::of(identity, &mut random);
    let base_grams = {
        let (low, high) = identity.kind.weight;
        random.between(low, high)
    };
    let part_number = random
        .chance(60)
        .then(|| part_number(identity.vendor, random.between(1000, 9999)));
    let refurbished = identity.department.code == "ELC" && random.chance(5);

    let variants = combinations(&choices)
        .into_iter()
        .zip(1..)
        .map(|(values, position)| {
            let percent = |of: fn(&Axis) -> &[i64]| {
                values.iter().fold(100, |percent, (axis, index)| {
                    percent * of(axis).get(*index).unwrap_or(&100) / 100
                })
            };
            let fixed_grams = values
                .iter()
                .find_map(|(axis, index)| axis.grams.get(*index).copied());
            let tag = pricing.tag(percent(|axis| &axis.price));
            let mut variant = VariantInput {
                sku: Some(format!(
                    "{}-{:05}-{position:02}",
                    identity.department.code, identity.number
                )),
                barcode: Some(ean_13(identity.number, position)),
                mpn: part_number
                    .as_ref()
                    .map(|number| format!("{number}-{position}")),
                condition: Some(if refurbished { "refurbished" } else { "new" }.to_owned()),
                price: Some(tag.price),
                compare_at_minor: Some(tag.compare_at_minor),
                cost_minor: Some(Some(tag.cost_minor)),
                weight_g: Some(Some(fixed_grams.unwrap_or_else(|| {
                    as_weighed(base_grams * percent(|axis| &axis.weight) / 100)
                }))),
                requires_shipping: Some(true),
                taxable: Some(true),
                image: image(&choices, &values),
                option_values: values
                    .iter()
                    .map(|(axis, index)| axis.values[*index].clone())
                    .collect(),
                ..VariantInput::default()
            };
            stocking.fill(&mut variant, &mut random);
            variant
        })
        .collect();

    let colours = choices.iter().find(|choice| choice.axis.name == COLOUR);
    Assortment {
        colours: colours.map(Choice::values).unwrap_or_default(),
        options: choices
            .iter()
            .map(|choice| ProductOption {
                name: choice.axis.name.clone(),
                values: choice.values(),
            })
            .collect(),
        variants,
    }
}

impl Choice {
    fn values(&self) -> Vec<String> {
        self.taken
            .iter()
            .map(|index| self.axis.values[*index].clone())
            .collect()
    }
}

/// Takes values of each axis of the kind, as long as the combinations stay within [`MOST_VARIANTS`].
fn choices(identity: &Identity) -> Vec<Choice> {
    let mut random = Random::new(Concern::Options, identity.number);
    let mut room = MOST_VARIANTS;
    let mut choices = Vec::new();
    for key in &identity.kind.axes {
        let axis = &identity.department.axes[key];
        let (fewest, most) = axis.take;
        let wanted = usize::try_from(random.between(fewest, most)).unwrap_or(1);
        let count = wanted.min(room);
        let taken = if axis.run {
            let first = random.index(axis.values.len() - count + 1);
            (first..first + count).collect()
        } else {
            let all: Vec<usize> = (0..axis.values.len()).collect();
            let mut some: Vec<usize> = random.sample(&all, count).into_iter().copied().collect();
            some.sort_unstable();
            some
        };
        room /= count;
        choices.push(Choice { axis, taken });
    }
    choices
}

/// All combinations, the last option changing fastest. One empty combination without options.
fn combinations(choices: &[Choice]) -> Vec<Vec<(&'static Axis, usize)>> {
    choices.iter().fold(vec![Vec::new()], |shorter, choice| {
        shorter
            .iter()
            .flat_map(|values| {
                choice.taken.iter().map(move |index| {
                    let mut longer = values.clone();
                    longer.push((choice.axis, *index));
                    longer
                })
            })
            .collect()
    })
}

/// The picture of the variant's colour.
fn image(choices: &[Choice], values: &[(&Axis, usize)]) -> Option<usize> {
    choices
        .iter()
        .zip(values)
        .find(|(choice, _)| choice.axis.name == COLOUR)
        .and_then(|(choice, (_, index))| choice.taken.iter().position(|taken| taken == index))
}

/// How a product is kept in stock.
struct Stocking {
    tracked: bool,
    policy: InventoryPolicy,
    sold_out: bool,
    low_stock_at: i64,
}

impl Stocking {
    fn of(identity: &Identity, random: &mut Random) -> Self {
        let bulky = identity.kind.weight.1 > 10_000;
        Self {
            tracked: !random.chance(4),
            policy: if random.chance(12) {
                InventoryPolicy::Continue
            } else {
                InventoryPolicy::Deny
            },
            sold_out: random.chance(4),
            low_stock_at: if bulky { 2 } else { 5 },
        }
    }

    fn fill(&self, variant: &mut VariantInput, random: &mut Random) {
        variant.inventory_tracked = Some(self.tracked);
        variant.inventory_policy = Some(self.policy);
        let available = match random.between(0, 99) {
            _ if self.sold_out => 0,
            0..7 => 0,
            7..18 => random.between(1, self.low_stock_at),
            _ => random.between(self.low_stock_at + 1, self.low_stock_at * 36),
        };
        let reserved = if random.chance(25) {
            random.between(1, 3)
        } else {
            0
        };
        if self.tracked {
            variant.on_hand = Some(available + reserved);
            variant.reserved = Some(reserved);
            variant.low_stock_at = Some(self.low_stock_at);
        }
    }
}

/// Rounded as a shop's scale would show it.
fn as_weighed(grams: i64) -> i64 {
    let unit = match grams {
        ..200 => 1,
        200..1_000 => 5,
        1_000..10_000 => 10,
        _ => 100,
    };
    (grams + unit / 2) / unit * unit
}

/// `Fennmark`, 4821 → `FEN4821`.
fn part_number(vendor: &str, number: i64) -> String {
    let letters: String = vendor
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(3)
        .collect();
    format!("{}{number}", letters.to_ascii_uppercase())
}

/// An EAN-13 from the range 200 to 299, which GS1 leaves to shops for their own use: nine digits of the
/// product's number, two of the variant's position and the check digit.
fn ean_13(number: usize, position: usize) -> String {
    let digits = format!("2{:09}{position:02}", number % 1_000_000_000);
    let check = check_digit(&digits);
    format!("{digits}{check}")
}

/// The check digit of twelve digits: weights 1 and 3 in turn, from the left (GS1 General Specifications,
/// section 7.9).
fn check_digit(digits: &str) -> u32 {
    let sum: u32 = digits
        .bytes()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_follow_the_specification() {
        assert_eq!(check_digit("629104150021"), 3, "the example of GS1");
        assert_eq!(ean_13(456, 1), "2000000456010");
    }

    #[test]
    fn part_numbers_begin_with_the_brand() {
        assert_eq!(part_number("Pip & Otter", 1234), "PIP1234");
    }
}
