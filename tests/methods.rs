//! Methods other than those that a path knows.

use crate::harness::{Reply, Server, Shop, product};

const PATHS: [&str; 10] = [
    "/products/1",
    "/products/nonsense",
    "/products/by-handle/lamp",
    "/products/by-sku/lamp-1",
    "/products",
    "/products/1/availability",
    "/products/1/reviews",
    "/products/1/reviews/1",
    "/healthz",
    "/readyz",
];

/// What a path knows.
fn methods(path: &str) -> &'static str {
    match path {
        "/products" | "/products/1/reviews" => "GET, HEAD, POST, OPTIONS",
        "/products/1" | "/products/nonsense" => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        _ => "GET, HEAD, OPTIONS",
    }
}

fn ask(server: &Server, method: &str, target: &str) -> Reply {
    let request = format!("{method} {target} HTTP/1.1\r\nhost: shop\r\n\r\n");
    server.connect().send(request).reply()
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get"] {
        for path in PATHS {
            let reply = ask(&server, method, path);
            if methods(path).contains(method) {
                if path.ends_with("/reviews") {
                    // Customers need no token, but something to say.
                    reply.problem(415, "unsupported-media-type");
                } else {
                    // Writing is for those who bear a token.
                    reply.problem(401, "token-missing");
                }
                continue;
            }
            let problem = reply.problem(405, "method-not-allowed");
            assert_eq!(
                reply.header("allow"),
                Some(methods(path)),
                "{method} {path}"
            );
            assert!(problem["detail"].as_str().unwrap().starts_with(method));
        }
        ask(&server, method, "/nothing").problem(404, "route-not-found");
    }
    // A body that comes with it is taken, and the connection goes on.
    let mut connection = server.connect();
    connection.send("POST /products/1 HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhello");
    connection.reply().problem(405, "method-not-allowed");
    server.get("/products/1").with(200);
}

#[test]
fn options_tells_the_methods_of_a_path() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for path in PATHS {
        let reply = server.request("OPTIONS", path, &[]).with(204);
        assert_eq!(reply.header("allow"), Some(methods(path)), "{path}");
        assert_eq!(reply.header("content-length"), None);
        assert!(reply.header("x-request-id").is_some());
    }
    ask(&server, "OPTIONS", "/nothing").problem(404, "route-not-found");
    // Of the server as a whole: `*` is no path, and stands alone.
    let mut connection = server.connect();
    connection.send("OPTIONS * HTTP/1.1\r\nhost: shop\r\n\r\n");
    let reply = connection.head().with(204);
    assert!(reply.header("allow").unwrap().ends_with("OPTIONS"));
    ask(&server, "GET", "*").problem(404, "route-not-found");
}

#[test]
fn no_tunnel_is_opened() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for target in ["example.org:443", "/products/1"] {
        let mut connection = server.connect();
        connection.send(format!("CONNECT {target} HTTP/1.1\r\nhost: shop\r\n\r\n"));
        let reply = connection.reply();
        assert!([404, 405].contains(&reply.status), "{reply:?}");
        // What follows is no request of this connection.
        connection.send_anyway("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n");
        assert_eq!(connection.rest(), b"", "{target}");
    }
}
