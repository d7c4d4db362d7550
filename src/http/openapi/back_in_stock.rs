//! Being told that a product is there again.

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter};
use utoipa::openapi::{Content, ContentBuilder, Paths, Ref, ResponseBuilder};

use super::errors::{self, bad_id, bad_path, invalid_query, unavailable};
use super::headers::with_headers;
use super::overview::STOCK;
use super::parameters::{path, product_id, string};
use super::writes::with_body;
use crate::http::problem::ApiError;
use crate::http::writes::{MediaType, WriteProblem};

const HEADERS: [&str; 2] = ["Cache-Control", "X-Request-Id"];

pub(super) fn paths() -> Paths {
    let mut paths = Paths::new();
    paths.add_path_operation(
        "/products/{id}/back-in-stock",
        vec![HttpMethod::Post],
        sign_up(),
    );
    let link = "/back-in-stock/{token}";
    let asks = "A page that asks whether to do what the link is for, since programs follow the links of mails, too.";
    let asking = page("showBackInStockLink", "Ask about a link", asks);
    paths.add_path_operation(link, vec![HttpMethod::Get], asking);
    let does = "Says that the address is theirs, or that they want no mail; as often as it is asked (RFC 8058).";
    let doing = page("followBackInStockLink", "Do what a link is for", does);
    paths.add_path_operation(link, vec![HttpMethod::Post], doing);
    paths
}

fn sign_up() -> Operation {
    let accepted = ResponseBuilder::new()
        .description("Kept; a mail asks whether it was them")
        .content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("SignUp")))
                .build(),
        );
    let operation = OperationBuilder::new()
        .operation_id(Some("signUpForBackInStock"))
        .tag(STOCK)
        .summary(Some("Be told when a product is there again"))
        .description(Some(
            "Takes an address. A mail asks whether it was its owner; once that was said, a mail goes out when some of the \
             product can be bought, once, in the order they signed up. The answer does not tell whether the address is \
             known. Needs no token.",
        ))
        .parameter(product_id())
        .response("202", with_headers(accepted, HEADERS).build());
    let example = include_str!("examples/sign_up.json");
    let operation = with_body(operation, MediaType::Json, "NewSignUp", example);
    let mut all = vec![
        bad_id(),
        bad_path(),
        errors::no_product_anywhere(),
        invalid_query(),
        unavailable(),
    ];
    all.extend(errors::of_bodies(MediaType::Json));
    all.extend(errors::of_sign_ups());
    errors::add(operation, all)
}

fn page(id: &str, summary: &str, description: &str) -> Operation {
    let text = Content::new(Some(string()));
    let ok = ResponseBuilder::new()
        .description("A page for people")
        .content("text/html", text);
    let operation = OperationBuilder::new()
        .operation_id(Some(id))
        .tag(STOCK)
        .summary(Some(summary))
        .description(Some(description))
        .parameter(token())
        .response("200", with_headers(ok, HEADERS).build());
    let all = vec![
        bad_path(),
        invalid_query(),
        ApiError::NoLink,
        WriteProblem::Busy.into(),
        unavailable(),
    ];
    errors::add(operation, all)
}

fn token() -> Parameter {
    path(
        "token",
        "As the link in the mail has it.",
        string().min_length(Some(1)),
        "3mPqvXyEZc8fRt2wWnyb1Q",
    )
}
