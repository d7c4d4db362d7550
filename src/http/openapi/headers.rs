//! Headers of responses.

use serde_json::json;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ComponentsBuilder, Header, Ref, ResponseBuilder};

/// Name, what it says, an example.
const HEADERS: [(&str, &str, &str); 22] = [
    (
        "Accept",
        "The media type that a body has to have.",
        "application/json",
    ),
    (
        "Accept-Patch",
        "The media type that a change has to have (RFC 5789).",
        "application/merge-patch+json",
    ),
    (
        "Age",
        "Seconds since it was read from the store. With what `Cache-Control` allows it never gets older than \
         promised.",
        "0",
    ),
    (
        "Cache-Control",
        "Who may keep the answer for how long. `no-cache` lets browsers keep it, and ask each time whether it \
         still holds. Errors are `no-store`.",
        "public, no-cache",
    ),
    (
        "Cache-Status",
        "What the cache of the process did (RFC 9211), after the one that all processes share, `doorbuster-l2`, where \
         that was asked. A negative `ttl` is a stale answer, given while a newer one is fetched.",
        "doorbuster-l1; hit; ttl=42",
    ),
    (
        "CDN-Cache-Control",
        "How long a shared cache in front may keep the answer (RFC 9213), in seconds.",
        "max-age=60, stale-while-revalidate=600, stale-if-error=600",
    ),
    (
        "Content-Encoding",
        "The coding of the body, chosen by `Accept-Encoding`: `br`, `zstd` or `gzip`. Absent where it is \
         sent as it is.",
        "br",
    ),
    (
        "Content-Location",
        "The one address of the product, by id.",
        "/products/456",
    ),
    (
        "Content-Security-Policy",
        "The page may load nothing from elsewhere.",
        "default-src 'none'",
    ),
    (
        "Doorbuster-Degraded",
        "What the answer has to do without for now, by name: `reviews`, say. Absent where it is whole.",
        "reviews",
    ),
    (
        "ETag",
        "A strong entity tag. Send it back as `If-None-Match`, and the answer is 304 without a body for as \
         long as nothing has changed.",
        "\"1-ac48d5edd464ed4d\"",
    ),
    (
        "Idempotent-Replayed",
        "`true` where the request was done before, and is answered as it was then.",
        "true",
    ),
    (
        "Last-Modified",
        "When the product last changed. `If-Modified-Since` may be answered with 304, too; `ETag` says it more \
         exactly.",
        "Tue, 12 Aug 2025 20:56:43 GMT",
    ),
    (
        "Link",
        "Where the next page is, as `rel=\"next\"` (RFC 8288). Absent on the last page.",
        "</products?sort=price&cursor=RufaLdzmh8yguKp8>; rel=\"next\"",
    ),
    (
        "Referrer-Policy",
        "Whom the page leads to is not told of it.",
        "no-referrer",
    ),
    ("Location", "The address of the product.", "/products/1001"),
    ("Retry-After", "Seconds after which to try again.", "1"),
    (
        "Surrogate-Key",
        "The keys by which a shared cache in front is told to drop the answer: of the product, its vendor, and each \
         category above it.",
        "product-456 vendor-acme category-home category-home/lamps",
    ),
    (
        "Vary",
        "What the answer depends on besides the address.",
        "accept-encoding",
    ),
    (
        "WWW-Authenticate",
        "What kind of token is needed, and what is wrong with the one that came (RFC 6750).",
        "Bearer realm=\"doorbuster\"",
    ),
    (
        "X-Content-Type-Options",
        "Browsers believe the media type.",
        "nosniff",
    ),
    (
        "X-Request-Id",
        "The id of the request: the client's own, if it sent one of up to 64 letters, digits and `-_.:`, \
         else a new one.",
        "ab9e71c90eeef406",
    ),
];

/// Adds all of them.
pub(super) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
    HEADERS
        .iter()
        .fold(components, |components, (name, description, example)| {
            components.header(*name, header(description, example))
        })
}

fn header(description: &str, example: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .example(Some(json!(example)))
        .build()
}

/// Names the headers of a response, which have to be among [`HEADERS`]; the tests miss those that are not.
pub(super) fn with_headers<'n>(
    response: ResponseBuilder,
    names: impl IntoIterator<Item = &'n str>,
) -> ResponseBuilder {
    names.into_iter().fold(response, |response, name| {
        let mut known = HEADERS.iter().map(|(known, ..)| *known);
        let name = known
            .find(|known| known.eq_ignore_ascii_case(name))
            .unwrap_or(name);
        let header = Ref::new(format!("#/components/headers/{name}"));
        response.header_ref(name, header)
    })
}
