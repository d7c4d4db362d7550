//! Load balancers that people have, which keep connections to what they balance.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{PATIENCE, Program, Shop, free_port, within};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Whether clients and balancers speak HTTP/2 under TLS, with this certificate.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    Plain,
    Encrypted(&'a Path),
}

/// Nothing is asked twice, so nothing that fails is hidden.
fn haproxy(shop: &Shop, target: SocketAddr, front: SocketAddr, way: Way<'_>) -> Program {
    let (bind, server) = match way {
        Way::Plain => (String::new(), ""),
        Way::Encrypted(certificate) => {
            // With its key in one file.
            let both = shop.file("both.pem");
            let key = certificate.with_file_name("key.pem");
            let [certificate, key] = [certificate, &key].map(|it| fs::read_to_string(it).unwrap());
            fs::write(&both, certificate + &key).unwrap();
            let bind = format!("ssl crt {} alpn h2,http/1.1", both.display());
            (bind, "ssl verify none alpn h2 check-alpn http/1.1")
        }
    };
    let (config, control) = (shop.file("haproxy.cfg"), shop.file("haproxy.sock"));
    // A check may be slow where the machine is or the server begins, and so may its handshake, which has the interval:
    // what it says counts.
    let text = format!(
        "global
  stats socket {}
defaults
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
  server web {target} {server} check inter 2s fall 4 rise 1
",
        control.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(config);
    let haproxy = Program::start(command.stdin(Stdio::null()).stdout(Stdio::null()));
    // Until its first look, one that fails is enough.
    within(PATIENCE, "it has looked", || {
        let mut control = UnixStream::connect(&control).ok()?;
        control.write_all(b"show stat\n").ok()?;
        let mut told = String::new();
        control.read_to_string(&mut told).ok()?;
        told.contains("L7OK").then_some(())
    });
    haproxy
}

/// It speaks HTTP/1.1 to what it balances, whatever its clients speak.
fn nginx(shop: &Shop, target: SocketAddr, front: SocketAddr, way: Way<'_>) -> Program {
    let folder = shop.file("nginx");
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
  upstream web {{ server {target}; keepalive 16; }}
  server {{
    {listen}
    location / {{
      proxy_pass {scheme}://web; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_next_upstream off;
    }}
  }}
}}
"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-c").arg(config).arg("-p").arg(&folder);
    Program::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

/// HAProxy and nginx, in this order, in front of one address, and where they listen. Their files are the shop's.
pub(crate) fn balancers(
    shop: &Shop,
    target: SocketAddr,
    way: Way<'_>,
) -> [(SocketAddr, Program); 2] {
    let [first, second] = [(); 2].map(|()| local(free_port()));
    let both = [
        (first, haproxy(shop, target, first, way)),
        (second, nginx(shop, target, second, way)),
    ];
    for (front, _) in &both {
        within(PATIENCE, "it listens", || {
            std::net::TcpStream::connect(front).ok()
        });
    }
    both
}
