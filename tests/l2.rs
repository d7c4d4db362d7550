//! The second tier with a real Redis: nodes of a cluster, in this process, over one store.

mod cluster;
mod groups;
mod guards;
mod outages;
mod purges;
mod record;
mod sharing;
mod store;
mod storm;
