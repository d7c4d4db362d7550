//! What the program can bear, and what gives way when more is asked.

mod pressure;

pub use pressure::Pressure;
