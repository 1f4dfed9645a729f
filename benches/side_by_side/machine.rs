//! What the figures were taken on.

use std::fs;

use serde_json::{Value, json};

/// Cores, processor, memory, kernel, and the least peak that a child of this process can show.
pub(crate) fn facts() -> Value {
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": after(&read("/proc/cpuinfo"), "model name"),
        "memory": after(&read("/proc/meminfo"), "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "load": read("/proc/loadavg").trim(),
        "own_peak": after(&read("/proc/self/status"), "VmHWM"),
    })
}

/// One line of it.
pub(crate) fn line() -> String {
    let facts = facts();
    let text = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
    format!(
        "{} cores of {}, {} of memory, Linux {}, load {}; peaks below {} are the harness's own",
        facts["cores"],
        text("processor"),
        text("memory"),
        text("kernel"),
        text("load"),
        text("own_peak")
    )
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What stands after `name` and a colon, on the first such line.
fn after(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
}
