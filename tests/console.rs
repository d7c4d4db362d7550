//! The console: who may look, who may do what, and what the page shows.

mod access;
mod feed;
mod page;
mod troubles;
