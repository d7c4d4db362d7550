//! How a server starts, changes and ends under a service manager, and what its clients notice of it: nothing.

mod drain;
mod h2c;
mod manager;
mod reload;
mod tls;
mod unit;
mod unnoticed;
