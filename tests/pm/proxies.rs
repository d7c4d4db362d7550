//! Upgrades behind the load balancers that people have, which keep connections to what they balance.

use rustix::process::Signal;

use crate::harness::{Curl, Load, Way, balancers};

use super::place::Place;

const TIMES: usize = 20;

fn upgrade(place: &Place, version: usize) {
    place.put_program(&format!("VERSION={version}; exec \"$SERVER\" \"$@\""));
    place.pm(&["reload"]).with(0);
}

#[test]
fn twenty_new_versions_behind_load_balancers_cost_no_request() {
    let place = Place::new();
    place.start("");
    let balancers = balancers(&place.shop, place.public, Way::Plain);
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
    let balancers = balancers(&place.shop, place.public, Way::Encrypted(&certificate));
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
