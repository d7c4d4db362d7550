//! Rate limits at the edge: whose request it is, and what becomes of it.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use ipnet::IpNet;

use super::authorization::bearer_token;
use super::problem::ApiError;
use super::route_class;
use crate::limits::{Check, Client, Fields, RateLimits, RouteClass, Site, Verdict, origin};
use crate::tokens::Tokens;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Asks the limits about each request. Clones are the same.
#[derive(Clone)]
pub(super) struct RateGate(Rc<Inner>);

struct Inner {
    limits: RateLimits,
    tokens: Tokens,
    trusted_proxies: Vec<IpNet>,
}

/// Whether a request may pass.
pub(super) enum Passage {
    /// It may. What its answer bears.
    Allowed(Option<Fields>),
    /// It may not.
    Refused(ApiError),
    /// That is known later. Dropping it gives the request up; it may have been counted.
    Asked(LocalBoxFuture<'static, Passage>),
}

impl RateGate {
    pub(super) fn new(limits: RateLimits, tokens: Tokens, trusted_proxies: Vec<IpNet>) -> Self {
        Self(Rc::new(Inner {
            limits,
            tokens,
            trusted_proxies,
        }))
    }

    /// Counts a request. Where there is no policy it reads one flag.
    pub(super) fn ask(&self, request: &ServiceRequest) -> Passage {
        let inner = &*self.0;
        if !inner.limits.is_active() {
            return Passage::Allowed(None);
        }
        match route_class::of(request.method(), request.path()) {
            Some(class) => self.count(class, request),
            None => Passage::Allowed(None),
        }
    }

    fn count(&self, class: RouteClass, request: &ServiceRequest) -> Passage {
        let inner = &*self.0;
        let address = Client::Address(Site::of(inner.origin(request)));
        let Ok(token) = bearer_token(request.headers()) else {
            return inner.limits.check(class, address).into();
        };
        if let Some(id) = inner.tokens.verified_lately(token) {
            return inner.limits.check(class, Client::Token(id.number())).into();
        }
        let (gate, token) = (self.clone(), token.to_owned());
        let asking = async move {
            // One that is not valid is worth nothing: else each invented one had a limit of its own.
            let client = match gate.0.tokens.verify(&token).await {
                Ok(principal) => Client::Token(principal.token.number()),
                Err(_) => address,
            };
            match gate.0.limits.check(class, client) {
                Check::Done(verdict) => verdict.into(),
                Check::Asked(verdict) => verdict.await.into(),
            }
        };
        Passage::Asked(asking.boxed_local())
    }
}

impl Inner {
    fn origin(&self, request: &ServiceRequest) -> IpAddr {
        let peer = request.peer_addr();
        // Without an address it is not of a network; all of these are one client.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let forwarded: Vec<_> = if self.trusted_proxies.is_empty() {
            Vec::new()
        } else {
            // What is no text is no address.
            let values = request.headers().get_all(X_FORWARDED_FOR);
            values.map(|value| value.to_str().unwrap_or("")).collect()
        };
        origin(peer, forwarded.into_iter(), &self.trusted_proxies)
    }
}

impl From<Check> for Passage {
    fn from(check: Check) -> Self {
        match check {
            Check::Done(verdict) => verdict.into(),
            Check::Asked(verdict) => Self::Asked(verdict.map(Self::from).boxed_local()),
        }
    }
}

impl From<Verdict> for Passage {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allowed(fields) => Self::Allowed(fields),
            Verdict::Refused(refusal) => Self::Refused(ApiError::QuotaExceeded(refusal)),
        }
    }
}

/// Says in an answer how the client stands.
pub(super) fn add_fields(fields: &Fields, headers: &mut HeaderMap) {
    // Names are letters and digits, and all else is ours: both are values of a header.
    for (name, value) in [
        (RATELIMIT_POLICY, &*fields.policy),
        (RATELIMIT, &fields.limit),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}
