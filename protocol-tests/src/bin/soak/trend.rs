//! Whether something grew.

use crate::samples::Sample;

/// Memory may differ by this much from one third to the other: allocators do.
const MEMORY_KIB: u64 = 8 << 10;

/// Faults of a row of samples: the middle one of the last third is compared with that of the first after a tenth for
/// warming up.
pub(crate) fn growth(of: &str, samples: &[Sample]) -> Vec<String> {
    let warm = &samples[samples.len() / 10..];
    let third = warm.len() / 3;
    if third == 0 {
        return vec![format!("{of}: {} samples are too few", samples.len())];
    }
    let (first, last) = (&warm[..third], &warm[warm.len() - third..]);
    let mut faults = Vec::new();
    let mut look = |what: &str, get: fn(&Sample) -> u64, more: fn(u64) -> u64| {
        let (before, after) = (middle(first, get), middle(last, get));
        println!("  {of}: {what} {before} in the first third, {after} in the last");
        if after > more(before) {
            faults.push(format!("{of}: {what} grew from {before} to {after}"));
        }
    };
    look("KiB of memory", |sample| sample.memory, |before| before + before / 10 + MEMORY_KIB);
    look("descriptors", |sample| sample.descriptors, |before| before + 2);
    look("threads", |sample| sample.threads, |before| before + 1);
    faults
}

fn middle(samples: &[Sample], get: fn(&Sample) -> u64) -> u64 {
    let mut all: Vec<u64> = samples.iter().map(get).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_rises_is_told_and_a_flat_one_is_not() {
        let row = |step: u64| -> Vec<Sample> {
            (0..100)
                .map(|at| Sample { memory: 30_000 + at * step, descriptors: 9 + at * step / 200, threads: 5 })
                .collect()
        };
        assert!(growth("flat", &row(0)).is_empty());
        assert_eq!(growth("rising", &row(400)).len(), 2);
        assert_eq!(growth("short", &row(0)[..2]).len(), 1);
    }
}
