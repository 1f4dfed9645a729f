//! Rounds, interleaved: whatever the machine does meanwhile happens to all. Each round has another order, since who comes
//! next finds what the one before left: dirty pages, or free ones that the machine under a virtual one took back.

use protocol_tests::fake::Random;

use crate::Outcome;
use crate::contender::{Measured, Row, Section};

/// Runs all contenders of a section, one round of each after the other.
pub(crate) fn run(section: Section<'_>, rounds: usize) -> Outcome<Measured> {
    let Section { title, contenders, missing, goals } = section;
    eprintln!("# {title}");
    for (name, why) in &missing {
        eprintln!("  missing: {name}: {why}");
    }
    let mut rows: Vec<Row> = contenders
        .iter()
        .map(|contender| Row { name: contender.name, amount: contender.amount, samples: Vec::with_capacity(rounds) })
        .collect();
    for round in 1..=rounds {
        for number in order(round, contenders.len()) {
            let (contender, row) = (&contenders[number], &mut rows[number]);
            let used = (contender.round)(round).map_err(|error| format!("{title}: {}: {error}", contender.name))?;
            let (wall, cpu) = (used.wall.as_secs_f64(), used.cpu.as_secs_f64());
            eprintln!("  {round}/{rounds} {}: {wall:.3} s, {cpu:.3} s CPU, {} KiB", contender.name, used.peak >> 10);
            row.samples.push(used);
        }
    }
    let verdicts = goals.iter().map(|goal| goal.judge(&rows)).collect();
    Ok(Measured { title, rows, missing, verdicts, notes: Vec::new() })
}

/// The contenders by number, in an order that depends on the round alone.
fn order(round: usize, contenders: usize) -> Vec<usize> {
    let mut random = Random::new(round as u64);
    let mut numbers: Vec<usize> = (0..contenders).collect();
    numbers.sort_by_cached_key(|_| random.number());
    numbers
}
