//! The queue of jobs, in the embedded store and in PostgreSQL: one suite for both.

mod contract;
mod day;
mod operators;
mod place;
mod process;
mod spike;
mod storm;
mod workers;

/// Each of these functions is a test with each of the stores.
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&crate::jobs::place::Place::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $name() { super::$name(&crate::jobs::place::Place::postgres()); })*
        }
    };
}
pub(crate) use on_both_stores;
