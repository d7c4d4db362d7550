//! The locks and numbers by which threads agree on what is cached. In the models (`l1/models.rs`, with the feature
//! `models`) they are shuttle's, which tries what else could have come between two steps.

#[cfg(all(test, feature = "models"))]
pub(super) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
pub(super) use std::sync::PoisonError;
#[cfg(not(all(test, feature = "models")))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
