//! `SENTINEL FAILOVER`: asked of one Sentinel, done when every one that answers gives out the new master, and it serves as one.

use std::time::Duration;

use ::redis::{Value, cmd};

use super::Sentinel;
use super::answer::{self, Answer};
use crate::incident::acts::Act;
use crate::incident::acts::redis::RedisAct;
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::systems::Output;

use crate::systems::wire::{self, Patience, Wrong};

/// How long a failover may take before nobody can say. Without trouble all Sentinels agree within 3 s.
const WITHIN: Duration = Duration::from_secs(60);

/// How often all Sentinels are asked meanwhile.
const EVERY: Duration = Duration::from_millis(250);

impl Sentinel {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Outcome {
        let done = match act {
            Act::Redis(RedisAct::Failover { target }) if target == &self.id => {
                self.failover(out).await
            }
            other => Err(Wrong::Undone(wire::not_known(&self.on, other.word()))),
        };
        wire::outcome(done)
    }

    async fn failover(&self, out: &Output) -> Result<String, Wrong> {
        let answers = self.answers().await;
        let Some(asked) = best(&answers) else {
            return Err(answer::merged(answers, &self.on)
                .map_or_else(Wrong::Undone, |_| self.undone("no Sentinel answers")));
        };
        let old = answer::merged(answers, &self.on)
            .map_err(Wrong::Undone)?
            .master;
        let node = &self.nodes[asked];
        out.line(format!(
            "{}: SENTINEL FAILOVER {}; the master is {old}",
            node.on(),
            self.master
        ));
        let _ok: String = node.order(&self.command("FAILOVER")).await?;
        self.followed(asked, &old, out).await
    }

    /// Watches the failover that Sentinel `asked` leads, away from `old`.
    async fn followed(&self, asked: usize, old: &str, out: &Output) -> Result<String, Wrong> {
        let (patience, mut before) = (Patience::new(WITHIN, EVERY), String::new());
        loop {
            let answers = self.answers().await;
            if answers[asked]
                .as_ref()
                .is_ok_and(|leader| gave_up(leader, old))
            {
                return Err(self.undone("the Sentinel gave the failover up"));
            }
            let state = match agreed(&answers, old) {
                Ok(new) => match self.serves(&new, &answers).await {
                    Ok(how) => return Ok(format!("{}: {old} → {new}, {how}", self.master)),
                    Err(why) => format!("{new}: {why}"),
                },
                Err(why) => why,
            };
            if state != before {
                out.line(&state);
                before = state;
            }
            if !patience.again().await {
                let what = format!("failover: not done after {}: {before}", Span(WITHIN));
                let advice = "look at the roles of both servers before anything else";
                return Err(Wrong::Lost(Failure::new(
                    FailureKind::TimedOut,
                    &self.on,
                    what,
                    advice,
                )));
            }
        }
    }

    /// Whether the server at `address` serves as master, and who says so.
    async fn serves(
        &self,
        address: &str,
        answers: &[Result<Answer, Failure>],
    ) -> Result<String, String> {
        let Some(peer) = self.peer(address).await else {
            let reported =
                |a: &Answer| a.master.get("role-reported").is_some_and(|r| r == "master");
            return match answers.iter().flatten().any(reported) {
                true => {
                    Ok("a master as the Sentinels report it; the site has no such target".into())
                }
                false => Err("no Sentinel reports it as a master yet".into()),
            };
        };
        let role: Vec<Value> = peer
            .server
            .ask(&cmd("ROLE"))
            .await
            .map_err(|failure| failure.what.to_string())?;
        match role.first().map(::redis::from_redis_value_ref::<String>) {
            Some(Ok(word)) if word == "master" => Ok(format!("{} says it is a master", peer.id)),
            _ => Err(format!("{} does not say it is a master yet", peer.id)),
        }
    }

    fn undone(&self, what: &str) -> Wrong {
        let advice = "look at the roles of both servers, and at the Sentinels' logs";
        Wrong::Undone(Failure::new(FailureKind::BadAnswer, &self.on, what, advice))
    }
}

/// The Sentinel to ask: one that sees a majority, else any that answers.
fn best(answers: &[Result<Answer, Failure>]) -> Option<usize> {
    let sees_majority = |answer: &Result<Answer, _>| answer.as_ref().is_ok_and(|a| a.quorum);
    let with_quorum = answers.iter().position(sees_majority);
    with_quorum.or_else(|| answers.iter().position(Result::is_ok))
}

/// The leader still names the old master and runs no failover any more.
fn gave_up(leader: &Answer, old: &str) -> bool {
    let part = |field: &str| {
        leader
            .master
            .get(field)
            .map(String::as_str)
            .unwrap_or_default()
    };
    let named = format!("{}:{}", part("ip"), part("port"));
    named == old && !leader.flags().any(|flag| flag == "failover_in_progress")
}

/// The one new master that every answering Sentinel gives out, or how far they are.
fn agreed(answers: &[Result<Answer, Failure>], old: &str) -> Result<String, String> {
    let good: Vec<&Answer> = answers.iter().flatten().collect();
    let moved: Vec<&&Answer> = good.iter().filter(|a| a.address != old).collect();
    match moved.first() {
        Some(first)
            if moved.len() == good.len() && moved.iter().all(|a| a.address == first.address) =>
        {
            Ok(first.address.clone())
        }
        _ => Err(format!(
            "{} of {} Sentinels give out another master",
            moved.len(),
            good.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn answer(address: &str, flags: &str, quorum: bool) -> Result<Answer, Failure> {
        let (ip, port) = address.split_once(':').unwrap();
        let fields = [("ip", ip), ("port", port), ("flags", flags)];
        Ok(Answer {
            address: address.into(),
            master: HashMap::from(fields.map(|(k, v)| (k.to_owned(), v.to_owned()))),
            replicas: vec![],
            quorum,
        })
    }

    fn silent() -> Result<Answer, Failure> {
        Err(Failure::new(FailureKind::TimedOut, "one", "silent", ""))
    }

    #[test]
    fn all_that_answer_must_give_out_the_same_other_master() {
        let (old, new, third) = ("a:1", "b:1", "c:1");
        let at = |address| answer(address, "master", true);
        let table = [
            (vec![at(new), at(new), silent()], Ok(new.to_owned())),
            (
                vec![at(new), at(old)],
                Err("1 of 2 Sentinels give out another master".to_owned()),
            ),
            (
                vec![at(new), at(third)],
                Err("2 of 2 Sentinels give out another master".to_owned()),
            ),
            (
                vec![silent()],
                Err("0 of 0 Sentinels give out another master".to_owned()),
            ),
        ];
        for (answers, expected) in table {
            assert_eq!(agreed(&answers, old), expected);
        }
    }

    #[test]
    fn a_failover_is_given_up_when_its_flag_goes_and_the_master_stays() {
        for (address, flags, expected) in [
            ("a:1", "master,failover_in_progress", false),
            ("a:1", "master", true),
            ("b:1", "master", false),
        ] {
            assert_eq!(
                gave_up(&answer(address, flags, true).unwrap(), "a:1"),
                expected
            );
        }
    }

    #[test]
    fn the_sentinel_that_sees_a_majority_is_asked() {
        let at = |quorum| answer("a:1", "master", quorum);
        assert_eq!(best(&[silent(), at(false), at(true)]), Some(2));
        assert_eq!(best(&[silent(), at(false)]), Some(1));
        assert_eq!(best(&[silent()]), None);
    }
}
