//! Tokens.

use utoipa::openapi::ComponentsBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

use crate::tokens::Scope;

const TOKEN: &str = "token";

/// Adds the one scheme there is.
pub(super) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
    let scopes = Scope::ALL.map(|scope| format!("`{}`", scope.as_str()));
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(format!(
            "A token, made by `doorbuster token new`, that allows one or more of {}.",
            scopes.join(", ")
        )));
    components.security_scheme(TOKEN, SecurityScheme::Http(scheme.build()))
}

/// A token that allows one of these.
pub(super) fn requirement(scopes: &[Scope]) -> SecurityRequirement {
    SecurityRequirement::new(TOKEN, scopes.iter().map(|scope| scope.as_str()))
}
