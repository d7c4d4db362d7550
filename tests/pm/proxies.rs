//! Upgrades behind the load balancers that people have, which keep connections to what they balance.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::harness::{Load, PATIENCE, Program, free_port, within};

use super::place::Place;

const TIMES: usize = 20;

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Nothing is asked twice, so nothing that fails is hidden.
fn haproxy(place: &Place, front: SocketAddr) -> Program {
    let config = place.shop.file("haproxy.cfg");
    let text = format!(
        "defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  retries 0
frontend shop
  bind {front}
  default_backend web
backend web
  option httpchk GET /readyz
  http-reuse always
  server web {} check inter 50ms fall 2 rise 1
",
        place.public
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(config);
    Program::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

fn nginx(place: &Place, front: SocketAddr) -> Program {
    let folder = place.shop.file("nginx");
    fs::create_dir(&folder).unwrap();
    let shown = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {shown}/pid; error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {shown}/a; proxy_temp_path {shown}/b; fastcgi_temp_path {shown}/c;
  uwsgi_temp_path {shown}/d; scgi_temp_path {shown}/e;
  upstream web {{ server {}; keepalive 16; }}
  server {{
    listen {front};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection \"\";
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

#[test]
fn twenty_new_versions_behind_load_balancers_cost_no_request() {
    let place = Place::new();
    place.start("");
    let (behind_haproxy, behind_nginx) = (local(free_port()), local(free_port()));
    let balancers = [haproxy(&place, behind_haproxy), nginx(&place, behind_nginx)];
    let loads = [behind_haproxy, behind_nginx].map(|front| {
        within(PATIENCE, "it listens", || {
            std::net::TcpStream::connect(front).ok()
        });
        Load::start(front, 4)
    });
    for version in 1..=TIMES {
        place.put_program(&format!("VERSION={version}; exec \"$SERVER\" \"$@\""));
        place.pm(&["reload"]).with(0);
    }
    let [haproxy, nginx] = loads.map(Load::stop);
    eprintln!(
        "{} answers by HAProxy, {} by nginx during {TIMES} upgrades",
        haproxy.answered, nginx.answered
    );
    haproxy.assert_whole(500);
    nginx.assert_whole(500);
    for balancer in &balancers {
        balancer.signal(rustix::process::Signal::TERM);
    }
}
