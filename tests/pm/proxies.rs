//! Upgrades behind the load balancers that people have, which keep connections to what they balance.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::harness::{Load, PATIENCE, Program, free_port, within};

use super::curl::Curl;
use super::place::Place;

const TIMES: usize = 20;

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Whether clients and balancers speak HTTP/2 under TLS, with this certificate.
#[derive(Clone, Copy)]
enum Way<'a> {
    Plain,
    Encrypted(&'a Path),
}

/// Nothing is asked twice, so nothing that fails is hidden.
fn haproxy(place: &Place, front: SocketAddr, way: Way<'_>) -> Program {
    let (bind, server) = match way {
        Way::Plain => (String::new(), ""),
        Way::Encrypted(certificate) => {
            // With its key in one file.
            let both = place.shop.file("both.pem");
            let key = certificate.with_file_name("key.pem");
            let [certificate, key] = [certificate, &key].map(|it| fs::read_to_string(it).unwrap());
            fs::write(&both, certificate + &key).unwrap();
            let bind = format!("ssl crt {} alpn h2,http/1.1", both.display());
            (bind, "ssl verify none alpn h2 check-alpn http/1.1")
        }
    };
    let config = place.shop.file("haproxy.cfg");
    // A check may be slow where the machine is, and so may its handshake, which has the interval: what it says counts.
    let text = format!(
        "defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 5s
  retries 0
frontend shop
  bind {front} {bind}
  default_backend web
backend web
  option httpchk GET /readyz
  http-reuse always
  server web {} {server} check inter 300ms fall 4 rise 1
",
        place.public
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(config);
    Program::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

/// It speaks HTTP/1.1 to what it balances, whatever its clients speak.
fn nginx(place: &Place, front: SocketAddr, way: Way<'_>) -> Program {
    let folder = place.shop.file("nginx");
    fs::create_dir(&folder).unwrap();
    let shown = folder.display();
    let (listen, scheme) = match way {
        Way::Plain => (format!("listen {front};"), "http"),
        Way::Encrypted(certificate) => {
            let key = certificate.with_file_name("key.pem");
            let (certificate, key) = (certificate.display(), key.display());
            let listen = format!(
                "listen {front} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};"
            );
            (listen, "https")
        }
    };
    let text = format!(
        "daemon off; master_process off; pid {shown}/pid; error_log stderr;
events {{ }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {shown}/a; proxy_temp_path {shown}/b; fastcgi_temp_path {shown}/c;
  uwsgi_temp_path {shown}/d; scgi_temp_path {shown}/e;
  upstream web {{ server {}; keepalive 16; }}
  server {{
    {listen}
    location / {{
      proxy_pass {scheme}://web; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_next_upstream off;
    }}
  }}
}}
",
        place.public
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-c").arg(config).arg("-p").arg(&folder);
    Program::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

/// Both before a place, and where they listen.
fn balancers(place: &Place, way: Way<'_>) -> [(SocketAddr, Program); 2] {
    let [first, second] = [(); 2].map(|()| local(free_port()));
    let both = [
        (first, haproxy(place, first, way)),
        (second, nginx(place, second, way)),
    ];
    for (front, _) in &both {
        within(PATIENCE, "it listens", || {
            std::net::TcpStream::connect(front).ok()
        });
    }
    both
}

fn upgrade(place: &Place, version: usize) {
    place.put_program(&format!("VERSION={version}; exec \"$SERVER\" \"$@\""));
    place.pm(&["reload"]).with(0);
}

#[test]
fn twenty_new_versions_behind_load_balancers_cost_no_request() {
    let place = Place::new();
    place.start("");
    let balancers = balancers(&place, Way::Plain);
    let loads = balancers
        .each_ref()
        .map(|(front, _)| Load::start(*front, 4));
    for version in 1..=TIMES {
        upgrade(&place, version);
    }
    let [haproxy, nginx] = loads.map(Load::stop);
    eprintln!(
        "{} answers by HAProxy, {} by nginx during {TIMES} upgrades",
        haproxy.answered, nginx.answered
    );
    haproxy.assert_whole(500);
    nginx.assert_whole(500);
    for (_, balancer) in &balancers {
        balancer.signal(Signal::TERM);
    }
}

#[test]
fn twenty_new_versions_behind_load_balancers_cost_no_request_of_http2() {
    let place = Place::new();
    let certificate = place.start_encrypted("");
    let balancers = balancers(&place, Way::Encrypted(&certificate));
    let mut clients = Vec::new();
    for ((front, _), name) in balancers.iter().zip(["haproxy", "nginx"]) {
        for number in 0..2 {
            let name = format!("{name}-{number}");
            clients.push(Curl::start(&place.shop, front.port(), &certificate, &name));
        }
    }
    for version in 1..=TIMES {
        upgrade(&place, version);
        Curl::await_more(&clients, 10);
    }
    for client in &clients {
        client.assert_whole(TIMES * 10);
    }
    for (_, balancer) in &balancers {
        balancer.signal(Signal::TERM);
    }
}
