//! The nodes: whether they answer, have a second tier, and show what they should.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::report::Report;
use super::system::{SKEW, skew};
use crate::app::node::Node;

pub(super) fn examine(nodes: &[Node], report: &mut Report) {
    for node in nodes {
        let name = format!("node {}", node.url());
        let began = Instant::now();
        let asked = unix_millis();
        match node.status() {
            Err(error) => {
                let mend = "look whether serve runs there, and at its server.admin_listen";
                report.warn(&name, error.to_string(), mend);
            }
            Ok(status) => {
                well(&name, &status, report);
                let half = i64::try_from(began.elapsed().as_millis() / 2).unwrap_or(0);
                let ahead = status["now_ms"].as_i64().unwrap_or(asked) - asked - half;
                skew(&format!("clock of {name}"), ahead, SKEW, report);
            }
        }
    }
}

fn well(name: &str, status: &Value, report: &mut Report) {
    let l2 = &status["l2"]["state"];
    let violations = status["prover"]["violation_count"].as_u64().unwrap_or(0);
    if violations > 0 {
        report.fail(
            name,
            format!("it found {violations} old versions served since it started"),
            "see doorbuster cache show --json, .prover.violations, and its log",
        );
    } else if l2 == "down" || l2 == "distrusted" {
        report.warn(
            name,
            format!("it does without Redis, which is {}", l2.as_str().unwrap_or_default()),
            "look from there whether Redis can be reached; distrusted ends when the outbox was delivered",
        );
    } else {
        let number = |tier: &str, count: &str| status[tier][count].as_u64().unwrap_or(0);
        let (entries, hits) = (number("l1", "entries"), number("l1", "hits"));
        let misses = number("l1", "misses");
        report.ok(
            name,
            format!("{entries} products in memory, {hits} hits, {misses} misses"),
        );
    }
}

fn unix_millis() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}
