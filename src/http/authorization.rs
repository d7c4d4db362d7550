//! Who may do what: bearer tokens (RFC 6750), taken from the `Authorization` header and from nowhere else.
//! What a URL or a body holds ends up in logs.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, web};

use super::problem::ApiError;
use crate::tokens::{Principal, Scope, Tokens, VerifyError};

const REALM: &str = "Bearer realm=\"doorbuster\"";

/// Why a request may not do what it asks.
#[derive(Debug)]
pub(super) enum AuthorizationError {
    /// It bears no token.
    Missing,
    /// It bears several.
    Several,
    /// Its token is not accepted: why.
    Invalid(&'static str),
    /// Its token does not allow this.
    Insufficient(Scope),
}

impl AuthorizationError {
    /// The challenge of the response (RFC 6750 §3). A request that bears no token is not told of an error.
    pub(super) fn challenge(&self) -> HeaderValue {
        let text = match self {
            Self::Missing => REALM.to_owned(),
            Self::Several => format!("{REALM}, error=\"invalid_request\""),
            Self::Invalid(why) => {
                format!("{REALM}, error=\"invalid_token\", error_description=\"{why}\"")
            }
            Self::Insufficient(scope) => format!(
                "{REALM}, error=\"insufficient_scope\", scope=\"{}\"",
                scope.as_str()
            ),
        };
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(REALM))
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Unknown => AuthorizationError::Invalid("the token is unknown").into(),
            VerifyError::Expired => AuthorizationError::Invalid("the token has expired").into(),
            VerifyError::Revoked => AuthorizationError::Invalid("the token was revoked").into(),
            VerifyError::Store(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// The bearer of the request's token, which has to allow `scope`. Ready at once with the embedded store.
pub(super) async fn authorize(request: &HttpRequest, scope: Scope) -> Result<Principal, ApiError> {
    let token = bearer_token(request.headers())?;
    let tokens = request.app_data::<web::Data<Tokens>>();
    let tokens = tokens.ok_or_else(|| ApiError::Unavailable("no tokens here".to_owned()))?;
    let principal = tokens.verify(token).await?;
    if principal.may(scope) {
        Ok(principal)
    } else {
        Err(AuthorizationError::Insufficient(scope).into())
    }
}

pub(super) fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthorizationError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(AuthorizationError::Missing)?;
    if values.next().is_some() {
        return Err(AuthorizationError::Several);
    }
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim_matches(' '))
    } else {
        Err(AuthorizationError::Missing)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::db::sqlite::Sqlite;
    use crate::tokens::{NewToken, Token, TokenStore};

    const INVALID: &str = "Bearer realm=\"doorbuster\", error=\"invalid_token\", \
                           error_description=\"the token is unknown\"";

    /// Status and challenge.
    async fn refused(tokens: &Tokens, authorization: &[&str]) -> (u16, String) {
        let mut request = TestRequest::get().app_data(web::Data::new(tokens.clone()));
        for value in authorization {
            request = request.append_header((AUTHORIZATION, *value));
        }
        let error = authorize(&request.to_http_request(), Scope::StockWrite)
            .await
            .unwrap_err();
        let response = error.response("id");
        let challenge = response.headers().get("www-authenticate").unwrap();
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        (
            response.status().as_u16(),
            challenge.to_str().unwrap().to_owned(),
        )
    }

    #[tokio::test]
    async fn each_refusal_has_its_challenge() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let database = Sqlite::open(&path).unwrap();
        database.migrate().unwrap();
        let token = Token::generate().unwrap();
        let new = NewToken {
            name: "feed",
            scopes: [Scope::CatalogWrite].into_iter().collect(),
            lifetime: None,
        };
        TokenStore::from(database.clone())
            .insert(&token, &new)
            .unwrap();
        let tokens = Tokens::new(database);

        let bare = "Bearer realm=\"doorbuster\"".to_owned();
        assert_eq!(refused(&tokens, &[]).await, (401, bare.clone()));
        assert_eq!(refused(&tokens, &["Basic c2hvcDpzaG9w"]).await, (401, bare));
        for value in ["Bearer", "Bearer ", "Bearer dbt_x", "bearer \u{e9}"] {
            assert_eq!(refused(&tokens, &[value]).await.0, 401, "{value}");
        }
        assert_eq!(
            refused(&tokens, &["Bearer dbt_x"]).await,
            (401, INVALID.to_owned())
        );
        let good = format!("bEARER {}", token.reveal());
        assert_eq!(
            refused(&tokens, &[&good, &good]).await,
            (
                400,
                "Bearer realm=\"doorbuster\", error=\"invalid_request\"".to_owned()
            )
        );
        assert_eq!(
            refused(&tokens, &[&good]).await,
            (
                403,
                "Bearer realm=\"doorbuster\", error=\"insufficient_scope\", scope=\"stock:write\""
                    .to_owned()
            )
        );
        let request = TestRequest::get()
            .app_data(web::Data::new(tokens))
            .append_header((AUTHORIZATION, good))
            .to_http_request();
        let principal = authorize(&request, Scope::CatalogWrite).await.unwrap();
        assert_eq!((&*principal.name, principal.token), ("feed", token.id()));
    }
}
