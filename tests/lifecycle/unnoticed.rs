//! What a service manager does under load, directly and behind load balancers: nobody notices.

use std::array;

use rustix::process::Signal;

use crate::harness::{Curl, Load, Program, Way, balancers};

use super::unit::Unit;

const TIMES: usize = 20;
const CLIENTS: usize = 4;
/// Of HTTP/2.
const ENCRYPTED_CLIENTS: usize = 2;

fn end(balancers: &[(std::net::SocketAddr, Program)]) {
    for (_, balancer) in balancers {
        balancer.signal(Signal::TERM);
    }
}

/// Does something over and over under load; returns how many connections clients made: directly, by HAProxy, by nginx.
fn under_load(unit: &Unit, deed: impl Fn(usize)) -> [u64; 3] {
    let balancers = balancers(&unit.shop, unit.public, Way::Plain);
    let fronts = [unit.public, balancers[0].0, balancers[1].0];
    let loads = fronts.map(|front| Load::start(front, CLIENTS));
    for number in 1..=TIMES {
        deed(number);
        for load in &loads {
            load.await_more(20);
        }
    }
    let seen = loads.map(Load::stop);
    end(&balancers);
    let connections = seen.each_ref().map(|seen| {
        seen.assert_whole(TIMES as u64 * 20);
        seen.connections
    });
    let answers = seen.map(|seen| seen.answered);
    eprintln!("{answers:?} answers, {connections:?} connections");
    connections
}

/// The same over HTTP/2; returns how many connections each client made.
fn under_encrypted_load(unit: &Unit, deed: impl Fn(usize)) -> [[usize; ENCRYPTED_CLIENTS]; 3] {
    let balancers = balancers(&unit.shop, unit.public, Way::Encrypted(&unit.certificate()));
    let trusted = unit.trusted();
    let fronts = [unit.public, balancers[0].0, balancers[1].0];
    let clients = fronts.map(|front| {
        array::from_fn(|number| {
            let name = format!("{}-{number}", front.port());
            Curl::start(&unit.shop, front.port(), &trusted, &name)
        })
    });
    for number in 1..=TIMES {
        deed(number);
        for clients in &clients {
            Curl::await_more(clients, 10);
        }
    }
    let connections = clients
        .each_ref()
        .map(|clients: &[Curl; ENCRYPTED_CLIENTS]| {
            clients.each_ref().map(|client| {
                client.assert_whole(TIMES * 10);
                client.connections()
            })
        });
    drop(clients);
    end(&balancers);
    eprintln!("{connections:?} connections");
    connections
}

#[test]
fn twenty_reloads_cost_no_request_and_no_connection() {
    let unit = Unit::start();
    let connections = under_load(&unit, |number| unit.reload(number));
    assert_eq!(connections, [CLIENTS as u64; 3]);
}

#[test]
fn twenty_reloads_cost_no_request_and_no_connection_of_http2() {
    let unit = Unit::start_encrypted();
    let connections = under_encrypted_load(&unit, |number| unit.reload(number));
    assert_eq!(connections, [[1; ENCRYPTED_CLIENTS]; 3]);
}

#[test]
fn twenty_upgrades_with_sockets_that_stay_cost_no_request() {
    let unit = Unit::start();
    let [direct, ..] = under_load(&unit, |version| unit.upgrade(version));
    // Each process was asked; one or the other client may have missed one of them.
    assert!(direct > TIMES as u64, "{direct}");
}

#[test]
fn twenty_upgrades_with_sockets_that_stay_cost_no_request_of_http2() {
    let unit = Unit::start_encrypted();
    let [direct, ..] = under_encrypted_load(&unit, |version| unit.upgrade(version));
    assert!(direct.iter().sum::<usize>() > TIMES, "{direct:?}");
}
