//! A sign-up for a product.

use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use crate::http::openapi::parameters::string;
use crate::products::back_in_stock::LONGEST_ADDRESS;

/// RFC 5321, without quotes and numbers of hosts.
const ADDRESS: &str = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$";

/// Who wants to know when a product is there again.
#[derive(ToSchema)]
pub(in crate::http) struct NewSignUp {
    /// Where the mail is to go. It is kept until then, and no longer.
    #[schema(schema_with = email)]
    email: String,
}

fn email() -> ObjectBuilder {
    string()
        .min_length(Some(3))
        .max_length(Some(LONGEST_ADDRESS))
        .pattern(Some(ADDRESS))
}
