//! `doorbuster pm`: programs are kept running, and replaced while they serve.

mod command;
mod failures;
mod http2;
mod keeping;
mod monit;
mod place;
mod proxies;
mod upgrades;
