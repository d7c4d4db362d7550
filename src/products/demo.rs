//! The demo shop: a catalogue of our own making that fills an empty store.
//!
//! Every product is a pure function of its number, so the first thousand products are the same on every
//! machine, in every run and for every count. Words come from `vocabulary/*.toml`, one file for each
//! department; the modules below turn them into prices, variants, prose, reviews and relations. Each
//! concern draws from a random stream of its own, so that a change to one leaves the others as they were.

mod calendar;
mod identity;
mod picture;
mod prices;
mod prose;
mod random;
mod relations;
mod reviews;
mod variants;
mod vocabulary;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use self::calendar::Dates;
use self::identity::Identity;
pub use self::picture::picture;
use self::prices::Pricing;
use self::random::{Concern, Random};
use self::relations::Shelf;
use self::vocabulary::Attribute;
use super::input::{ImageInput, ProductInput, Status};

/// Fewest pictures of a product.
const FEWEST_IMAGES: usize = 3;

/// The first `count` products of the demo shop. Product `n` has id `n`, counted from 1, and relates only
/// to products before it, so every relation finds its target.
pub fn products(count: usize) -> impl Iterator<Item = ProductInput> {
    let mut shelf = Shelf::default();
    (1..=count).map(move |number| product(number, &mut shelf))
}

fn product(number: usize, shelf: &mut Shelf) -> ProductInput {
    let identity = Identity::of(number);
    let stage = Stage::of(number);
    let dates = Dates::of(number);
    let pricing = Pricing::of(&identity);
    let stock = variants::variants(&identity, &pricing);
    let (reviews, rating) = reviews::reviews(&identity, &dates, stage.has_been_sold());
    let relations = shelf.relations(&identity, &pricing);
    if stage == Stage::Public {
        shelf.put(&identity, &pricing);
    }
    let popular = rating.count >= 150 && rating.sum * 10 >= rating.count * 42;
    let on_sale = stock
        .variants
        .iter()
        .any(|variant| matches!(variant.compare_at_minor, Some(Some(_))));
    let flags = [
        ("sale", on_sale),
        ("new", dates.is_new()),
        ("bestseller", popular),
    ];
    ProductInput {
        id: i64::try_from(number).ok(),
        description_html: Some(prose::description_html(&identity)),
        vendor: Some(identity.vendor.to_owned()),
        product_type: Some(identity.kind.noun.clone()),
        category: Some(format!(
            "{} > {}",
            identity.department.name, identity.kind.category
        )),
        tags: Some(prose::tags(&identity, &flags)),
        status: Some(stage.status()),
        published: Some(stage.is_published()),
        published_at: stage.is_published().then(|| dates.published_at()),
        options: Some(stock.options),
        seo_title: prose::seo_title(&identity),
        seo_description: prose::seo_description(&identity),
        attributes: Some(attributes(&identity).into()),
        images: Some(images(&identity, &stock.colours)),
        variants: Some(stock.variants),
        relations: Some(relations),
        reviews: Some(reviews),
        rating: Some(rating),
        version: None,
        created_at: Some(dates.created_at()),
        updated_at: Some(dates.updated_at()),
        title: Some(identity.title),
        handle: identity.handle,
    }
}

/// How far a product has come in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// On sale for everybody.
    Public,
    /// Ready, but not shown yet.
    Hidden,
    /// Still being written.
    Draft,
    /// No longer sold.
    Archived,
}

impl Stage {
    fn of(number: usize) -> Self {
        match Random::new(Concern::Stage, number).between(0, 999) {
            0..10 => Self::Draft,
            10..20 => Self::Archived,
            20..30 => Self::Hidden,
            _ => Self::Public,
        }
    }

    fn status(self) -> Status {
        match self {
            Self::Public | Self::Hidden => Status::Active,
            Self::Draft => Status::Draft,
            Self::Archived => Status::Archived,
        }
    }

    fn is_published(self) -> bool {
        matches!(self, Self::Public | Self::Archived)
    }

    fn has_been_sold(self) -> bool {
        self.is_published()
    }
}

/// What the department knows about the product: its style in words, then the kind's own attributes.
fn attributes(identity: &Identity) -> Map<String, Value> {
    let mut random = Random::new(Concern::Attributes, identity.number);
    let style = (
        identity.style_attribute().to_owned(),
        Value::from(prose::without_article(&identity.style.phrase)),
    );
    let others = identity.kind.attributes.iter().map(|(name, attribute)| {
        let value = match attribute {
            Attribute::Choices(choices) => random.pick(choices).clone(),
            Attribute::Range { from, to, step } => {
                let steps = random.between(0, (to - from) / step);
                Value::from(from + steps * step)
            }
            Attribute::People { people } => {
                let names: Vec<String> =
                    (0..*people).map(|_| reviews::person(&mut random)).collect();
                Value::from(names.join(" and "))
            }
        };
        (name.clone(), value)
    });
    std::iter::once(style).chain(others).collect()
}

/// One picture for each colour, then one to three views of the department's choosing.
fn images(identity: &Identity, colours: &[String]) -> Vec<ImageInput> {
    let mut random = Random::new(Concern::Images, identity.number);
    let (width, height) = *random.pick(&[(800, 600), (1200, 1200)]);
    let views = random.sample(
        identity.views(),
        FEWEST_IMAGES.saturating_sub(colours.len()).max(1),
    );
    let title = &identity.title;
    let in_colours = colours.iter().map(|colour| format!("{title} in {colour}"));
    let views = views.into_iter().map(|view| format!("{title}, {view}"));
    in_colours
        .chain(views)
        .zip(1..)
        .map(|(alt, position)| ImageInput {
            url: format!("/demo/images/{}-{position}.svg", identity.handle),
            alt,
            width: Some(width),
            height: Some(height),
        })
        .collect()
}
