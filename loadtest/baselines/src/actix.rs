//! The framework alone: routing, one path segment, static bytes.

use std::net::SocketAddr;

use actix_web::http::header::ContentType;
use actix_web::web::{Bytes, Data, Path, get};
use actix_web::{App, HttpResponse, HttpServer};

/// Serves `body` until the process is told to stop.
pub(crate) fn serve(listen: SocketAddr, workers: usize, body: Vec<u8>) -> std::io::Result<()> {
    let body = Bytes::from(body);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(body.clone()))
            .route("/products/{id}", get().to(product))
    })
    .workers(workers)
    .bind(listen)?;
    actix_web::rt::System::new().block_on(server.run())
}

async fn product(_id: Path<i64>, body: Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::json())
        .body(body.get_ref().clone())
}
