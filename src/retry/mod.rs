//! The only place that tries again. It asks an error for its class and never looks inside.

mod policy;
mod settle;

pub use policy::Policy;
pub use settle::{Attempt, retry, settle};
