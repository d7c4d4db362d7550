//! Flags: who may say what of them, who heeds it, and what is left without what is switched off.

mod admin;
mod command;
mod degraded;
mod layers;
mod ofrep;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{PATIENCE, Server, within};

/// From a word to every node that heeds it.
const PROMISE: Duration = Duration::from_secs(1);

/// Says something of a flag by way of a node.
#[track_caller]
fn say(server: &Server, key: &str, body: &Value) -> Value {
    let headers = [("content-type", "application/json")];
    let path = format!("/admin/flags/{key}");
    let reply = server.send_admin("PUT", &path, &headers, body.to_string());
    reply.with(200).json()
}

/// Switches a feature, and awaits that the node heeds it.
#[track_caller]
fn switch(server: &Server, feature: &str, variant: &str) {
    say(
        server,
        feature,
        &serde_json::json!({ "variant": variant, "reason": "test" }),
    );
    is_in_force(server, feature, variant);
}

/// Awaits that a node has a variant of a flag in force; returns how long that took.
#[track_caller]
fn is_in_force(server: &Server, key: &str, variant: &str) -> Duration {
    let started = Instant::now();
    let path = format!("/admin/flags/{key}");
    within(PATIENCE, &format!("{key} is {variant}"), || {
        let flag = server.get_admin(&path).json();
        (flag["variant"] == variant).then_some(())
    });
    started.elapsed()
}

/// How often something was wrong, and where it is now.
fn trouble(server: &Server) -> (u64, Vec<String>) {
    let trouble = server.get_admin("/admin/flags").with(200).json()["trouble"].clone();
    let places = trouble["now"].as_array().unwrap().iter();
    let places = places.map(|it| it["place"].as_str().unwrap().to_owned());
    (trouble["count"].as_u64().unwrap(), places.collect())
}
