//! Routes a request later than it came: what wraps all routes may have to await something first, and has the routes
//! only as long as it is being called.

use std::cell::OnceCell;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

type Answer = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;
type Call = Box<dyn Fn(ServiceRequest) -> Answer>;

/// The routes of one worker's application, which it is wrapped by innermost. Clones are the same routes.
#[derive(Clone, Default)]
pub(super) struct Routes(Rc<OnceCell<Call>>);

impl Routes {
    /// Calls the route of a request. `None` before the application is put together.
    pub(super) fn call(&self, request: ServiceRequest) -> Option<Answer> {
        self.0.get().map(|call| call(request))
    }
}

impl<S, B> Transform<S, ServiceRequest> for Routes
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = Rc<S>;
    type InitError = ();
    type Future = Ready<Result<Rc<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let service = Rc::new(service);
        let routes = Rc::clone(&service);
        self.0.get_or_init(|| {
            Box::new(move |request| {
                let answer = routes.call(request);
                answer
                    .map(|answer| answer.map(ServiceResponse::map_into_boxed_body))
                    .boxed_local()
            })
        });
        ready(Ok(service))
    }
}
