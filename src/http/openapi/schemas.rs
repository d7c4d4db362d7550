//! Schemas of the bodies. Documents are built by the store, so the types here hold nothing: they are the
//! schemas, and the tests compare real answers with them.

#![expect(
    dead_code,
    reason = "the types are described, never made: SQL builds the documents"
)]

mod flags;
mod page;
mod product;
mod recommendation;
mod record;
mod review;
mod search;
mod sign_up;
mod stock;
mod words;

use utoipa::ToSchema;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{ComponentsBuilder, RefOr, Schema};

use crate::http::back_in_stock::Told as SignUp;
use crate::http::bulk::results::ResultLine;
use crate::http::imports::Told as Import;
use crate::http::ofrep::{Failure, Success};
use crate::http::problem::Problem;
use crate::http::stock::ChangedStock;
use crate::http::submissions::Told;

pub(super) use flags::{EvaluatedFlags, FlagRequest};
pub(super) use page::{ProductBatch, ProductPage, ReviewPage};
pub(super) use product::Product;
pub(super) use recommendation::{JsonLd, ProductPart, Recommendations};
pub(super) use record::{ProductPatch, ProductRecord};
pub(super) use review::NewReview;
pub(super) use search::{Categories, SearchPage};
pub(super) use sign_up::NewSignUp;
pub(super) use stock::{Stock, StockAdjustment, StockCount};
pub(in crate::http) use words::ProblemCode;
pub(super) use words::{Availability, CurrencyCode, ListOrder, Policy};

/// Whether the process is well.
#[derive(ToSchema)]
pub(super) struct Health {
    /// `alive` or `ready`.
    status: String,
    /// What it has to do without for now: it answers all the same, more slowly perhaps. Left out where there is
    /// nothing.
    #[schema(nullable = false)]
    degraded: Option<Degraded>,
}

/// Parts that are missing for now.
#[derive(ToSchema)]
struct Degraded {
    /// Redis: `down`, or `distrusted` as long as it has not been told of everything.
    #[schema(nullable = false)]
    redis: Option<String>,
    /// The server of the catalogue that takes writes: `down`. Reads go on.
    #[schema(nullable = false)]
    primary: Option<String>,
    /// How many replicas of the catalogue are gone or too far behind.
    #[schema(nullable = false)]
    replicas: Option<u64>,
    /// Features that are not as they are built to be: switched by somebody, or given up under pressure.
    #[schema(nullable = false)]
    features: Option<Vec<String>>,
    /// Where flags are not as somebody wants them to be; what was good last stays in force.
    #[schema(nullable = false)]
    flags: Option<String>,
}

/// Adds all of them.
pub(super) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
    let mut all = Vec::new();
    add_closed::<ProductRecord>(&mut all);
    add_closed::<StockCount>(&mut all);
    add_closed::<StockAdjustment>(&mut all);
    add_closed::<NewReview>(&mut all);
    add_closed::<NewSignUp>(&mut all);
    // After it: what both have is open to those who read.
    add::<Product>(&mut all);
    add::<ProductPart>(&mut all);
    add::<JsonLd>(&mut all);
    add::<Recommendations>(&mut all);
    add::<ProductPage>(&mut all);
    add::<ProductBatch>(&mut all);
    add::<SearchPage>(&mut all);
    add::<Categories>(&mut all);
    add::<ReviewPage>(&mut all);
    add::<Stock>(&mut all);
    add::<Told>(&mut all);
    add::<SignUp>(&mut all);
    add::<Import>(&mut all);
    add::<Health>(&mut all);
    add::<ListOrder>(&mut all);
    add::<ProductPatch>(&mut all);
    add::<ChangedStock<'_>>(&mut all);
    add::<ResultLine<'_>>(&mut all);
    add::<FlagRequest>(&mut all);
    add::<Success<'_>>(&mut all);
    add::<Failure<'_>>(&mut all);
    add::<EvaluatedFlags>(&mut all);
    add::<Problem<'_>>(&mut all);
    components.schemas_from_iter(all)
}

/// Adds a schema and those that it refers to, whose objects have no other members than those described.
fn add_closed<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    let mut closed = Vec::new();
    add::<T>(&mut closed);
    for (_, schema) in &mut closed {
        if let RefOr::T(Schema::Object(object)) = schema
            && !object.properties.is_empty()
        {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
    all.append(&mut closed);
}

/// Adds a schema and those that it refers to.
fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}
