//! What one Sentinel says of a master, and what several say together.

use std::collections::{BTreeSet, HashMap};

use crate::incident::acts::redis::SentinelSight;
use crate::incident::reading::{Failure, FailureKind};

/// One Sentinel's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `host:port` it gives out to clients.
    pub address: String,
    /// `SENTINEL MASTER`.
    pub master: HashMap<String, String>,
    /// `SENTINEL REPLICAS`.
    pub replicas: Vec<HashMap<String, String>>,
    /// `SENTINEL CKQUORUM` is content.
    pub quorum: bool,
}

impl Answer {
    /// The master's flags as this Sentinel sees it.
    pub fn flags(&self) -> impl Iterator<Item = &str> {
        flags(&self.master)
    }

    fn number(&self, field: &str) -> u32 {
        self.master
            .get(field)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    fn replicas_ok(&self) -> usize {
        let gone = ["s_down", "o_down", "disconnected"];
        let usable = |replica: &&HashMap<_, _>| !flags(replica).any(|flag| gone.contains(&flag));
        self.replicas.iter().filter(usable).count()
    }
}

fn flags(fields: &HashMap<String, String>) -> impl Iterator<Item = &str> {
    let text = fields.get("flags").map(String::as_str).unwrap_or_default();
    text.split(',').filter(|flag| !flag.is_empty())
}

/// The sight that all answers make: of several addresses the one most give out; any flag counts; the fewest usable replicas.
///
/// # Errors
/// When none answered, or none knows the master.
pub fn merged(answers: Vec<Result<Answer, Failure>>, on: &str) -> Result<SentinelSight, Failure> {
    let asked = answers.len();
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let good: Vec<Answer> = good.into_iter().flatten().collect();
    let bad: Vec<Failure> = bad.into_iter().filter_map(Result::err).collect();
    let unknown_to_some = bad
        .iter()
        .any(|failure| failure.kind == FailureKind::Missing);
    let votes = |address: &str| good.iter().filter(|a| a.address == address).count();
    let Some(leading) = good.iter().max_by_key(|answer| votes(&answer.address)) else {
        return Err(none(bad, asked, on));
    };
    let every_flag: BTreeSet<&str> = good.iter().flat_map(Answer::flags).collect();
    let most = |field| {
        good.iter()
            .map(|a| a.number(field))
            .max()
            .unwrap_or_default()
    };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(SentinelSight {
        master: leading.address.clone(),
        master_target: None,
        flags: every_flag.into_iter().map(str::to_owned).collect(),
        replicas: count(
            good.iter()
                .map(|a| a.replicas.len())
                .max()
                .unwrap_or_default(),
        ),
        replicas_ok: count(
            good.iter()
                .map(Answer::replicas_ok)
                .min()
                .unwrap_or_default(),
        ),
        sentinels: most("num-other-sentinels") + 1,
        answered: count(good.len()),
        quorum: most("quorum"),
        agreed: !unknown_to_some && votes(&leading.address) == good.len(),
        can_fail_over: good.iter().any(|answer| answer.quorum),
    })
}

/// Why nothing was seen: that nobody knows the master says more than that one did not answer.
fn none(mut bad: Vec<Failure>, asked: usize, on: &str) -> Failure {
    bad.sort_by_key(|failure| failure.kind != FailureKind::Missing);
    match bad.into_iter().next() {
        Some(failure) => {
            let what = format!("none of {asked} Sentinels told of it: {}", failure.what);
            Failure::new(failure.kind, on, what, failure.advice)
        }
        None => {
            let advice = "add nodes to the target";
            Failure::new(FailureKind::Local, on, "the site names no Sentinel", advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(address: &str, flags: &str, quorum: bool) -> Result<Answer, Failure> {
        let fields = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            owned.collect::<HashMap<_, _>>()
        };
        Ok(Answer {
            address: address.into(),
            master: fields(&[
                ("flags", flags),
                ("quorum", "2"),
                ("num-other-sentinels", "2"),
            ]),
            replicas: vec![
                fields(&[("flags", "slave")]),
                fields(&[("flags", "s_down,slave")]),
            ],
            quorum,
        })
    }

    fn silent(kind: FailureKind) -> Result<Answer, Failure> {
        Err(Failure::new(kind, "one", "INFO: silent", ""))
    }

    #[test]
    fn several_answers_make_one_sight() {
        let answers = vec![
            answer("a:1", "master", false),
            answer("b:1", "master,o_down,s_down", true),
            answer("b:1", "master", false),
        ];
        let sight = merged(answers, "cache").unwrap();
        assert_eq!(sight.master, "b:1");
        assert_eq!(sight.flags, ["master", "o_down", "s_down"]);
        assert_eq!((sight.replicas, sight.replicas_ok), (2, 1));
        assert_eq!((sight.sentinels, sight.answered, sight.quorum), (3, 3, 2));
        assert_eq!((sight.agreed, sight.can_fail_over), (false, true));
    }

    #[test]
    fn a_sentinel_that_is_silent_disagrees_with_nobody_and_one_that_knows_nothing_does() {
        for (kind, agreed) in [(FailureKind::TimedOut, true), (FailureKind::Missing, false)] {
            let answers = vec![answer("a:1", "master", true), silent(kind)];
            let sight = merged(answers, "cache").unwrap();
            assert_eq!((sight.answered, sight.agreed), (1, agreed), "{kind:?}");
        }
    }

    #[test]
    fn without_an_answer_there_is_a_failure_that_prefers_the_unknown_name() {
        let failure = merged(
            vec![silent(FailureKind::Refused), silent(FailureKind::Missing)],
            "cache",
        );
        assert_eq!(failure.unwrap_err().kind, FailureKind::Missing);
        assert_eq!(
            merged(vec![], "cache").unwrap_err().kind,
            FailureKind::Local
        );
    }
}
