//! A primary and two streaming replicas: reads go on whatever is lost, and no version is followed by an older one.

mod chaos;
mod encryption;
mod failover;
mod lag;
mod outages;
mod sales;
pub(crate) mod shop;
mod start;
