//! Strings of which only some are allowed, taken from where the program itself looks for them.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::openapi::errors;
use crate::products::input::InventoryPolicy;
use crate::products::listing::{AVAILABILITIES, Sort};
use crate::products::money::Currency;

/// Declares the schema of a string: its name, what it is, and what it may be.
macro_rules! words {
    ($name:ident, $description:expr, $values:expr) => {
        pub(in crate::http) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some($values))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

words!(
    Availability,
    "What a customer may know of the stock. The best of the variants is that of the product.",
    AVAILABILITIES
);
words!(
    CurrencyCode,
    "ISO 4217 code of an active currency that has minor units.",
    Currency::codes()
);
words!(
    Policy,
    "What happens when stock runs out: `deny` stops selling at zero, `continue` takes back-orders.",
    [InventoryPolicy::Deny, InventoryPolicy::Continue].map(InventoryPolicy::as_str)
);
words!(
    ListOrder,
    "The order of a list. `newest`: last published first. `updated`: last changed first. `price` and \
     `-price`: by the lowest price, rising and falling, one currency after the other, products without a \
     price left out. `title`: ignoring the case of ASCII letters. `rating`: best average first. \
     `popular`: most ratings and views first, a hundred views \
     counting as much as a rating, and half as much a week later. Products \
     that are equal in it come in order of id.",
    Sort::ALL.map(Sort::word)
);
words!(
    ProblemCode,
    "What kind of problem it is, for programs.",
    errors::codes()
);
