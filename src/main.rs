//! ktape
fn main() {}
