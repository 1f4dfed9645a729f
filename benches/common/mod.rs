//! What the benches share.

pub(crate) mod records;
pub(crate) mod spread;
