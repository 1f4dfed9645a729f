//! The restore half: who brings a topic back.

use crate::Outcome;
use crate::contender::{Contender, Row, Section};
use crate::goal::{Goal, Limit};
use crate::kafka_tools::{self, PERF_PRODUCER};
use crate::ktape_runs::{Ktape, complete};
use crate::scene::{Scene, Topic, own_figures};

const REPRODUCE: &str = "bare re-produce";
const KTAPE: &str = "ktape restore";

/// A repository with a backup of the topic.
pub(super) fn kept(scene: &Scene, topic: &Topic) -> Outcome<Ktape> {
    let ktape = Ktape::init(scene.bootstrap(), scene.folder(), &format!("kept-{}", topic.name))?;
    complete(&ktape.backup(&topic.name)?.1)?;
    Ok(ktape)
}

/// All contenders and the goals, without a title.
pub(super) fn section<'a>(scene: &'a Scene, topic: &'a Topic, kept: &'a Ktape) -> Section<'a> {
    let contenders = vec![
        reproduce(scene, topic, REPRODUCE),
        restore(scene, topic, kept, KTAPE),
        kafka_tools::perf_producer(scene, topic),
    ];
    Section { title: String::new(), contenders, missing: Vec::new(), goals: goals() }
}

fn goals() -> Vec<Goal> {
    vec![
        Goal::ratio(
            "MiB/s over those of the bare re-produce",
            Limit::AtLeast(0.9),
            Row::mib_per_second,
            KTAPE,
            &[REPRODUCE],
        ),
        Goal::ratio(
            "MiB/s over those of Kafka's perf producer",
            Limit::AtLeast(2.5),
            Row::mib_per_second,
            KTAPE,
            &[PERF_PRODUCER],
        ),
        Goal::ratio(
            "CPU per GiB over that of Kafka's perf producer",
            Limit::AtMost(1.0 / 6.0),
            Row::cpu_per_gib,
            KTAPE,
            &[PERF_PRODUCER],
        ),
        Goal::plain("peak MiB", Limit::AtMost(128.0), Row::peak_mib, KTAPE),
    ]
}

/// `ktape restore` into a new topic.
pub(super) fn restore<'a>(scene: &'a Scene, topic: &'a Topic, kept: &'a Ktape, name: &'static str) -> Contender<'a> {
    Contender::new(name, topic.amount, move |round| {
        let target = format!("{}-ktape-{round}", topic.name);
        topic.settle()?;
        kept.settle()?;
        let (used, report) = kept.restore(&topic.name, &target)?;
        complete(&report)?;
        topic.check_ends(&scene.ends(&target)?)?;
        scene.remove(&target)?;
        Ok(used)
    })
}

/// The bare re-produce into a new topic, which is there already.
pub(super) fn reproduce<'a>(scene: &'a Scene, topic: &'a Topic, name: &'static str) -> Contender<'a> {
    Contender::new(name, topic.amount, move |round| {
        let target = format!("{}-bare-{round}", topic.name);
        scene.create(&target, topic.load.partitions)?;
        topic.settle()?;
        let mut args = vec![scene.bootstrap().to_owned(), target.clone()];
        args.extend(topic.folders.iter().map(|folder| folder.display().to_string()));
        let ran = scene.program("reproduce", &args)?;
        topic.check_ends(&scene.ends(&target)?)?;
        scene.remove(&target)?;
        own_figures(&ran)
    })
}
