//! What can be done to a Redis server: each command goes out once, and is done when the server shows it.

use std::time::Duration;

use ::redis::{Value, cmd, from_redis_value};

use super::info::Info;
use super::{EVERY, Redis};
use crate::incident::acts::Act;
use crate::incident::acts::redis::RedisAct;
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::systems::Output;

use crate::systems::wire::{self, Patience, Wrong};

/// How long a promoted server may take to say `master`: it answers at once when it can.
const PROMOTED_WITHIN: Duration = Duration::from_secs(5);

/// How long the link to a new master may take to come up; a large dataset takes longer to copy, which is then unknown.
const LINKED_WITHIN: Duration = Duration::from_secs(30);

/// How long a save or a rewrite may take before nobody can say any more.
const SAVED_WITHIN: Duration = Duration::from_secs(1_800);

/// What `ROLE` says.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    Master,
    Replica {
        /// `host:port` of its master.
        of: String,
        /// `connected` once the dataset is there.
        state: String,
    },
}

/// What `INFO` says of a save or a rewrite that goes on in the background.
struct Work {
    running: bool,
    fine: bool,
}

impl Redis {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Outcome {
        let done = match act {
            Act::Redis(act) if act.target() == &self.id => match act {
                RedisAct::Promote { .. } => self.promote(out).await,
                RedisAct::Follow { of, .. } => self.follow(of, out).await,
                RedisAct::Save { .. } => self.save(out).await,
                RedisAct::Bgrewriteaof { .. } => self.rewrite(out).await,
                RedisAct::Failover { .. } => Err(self.not_known("redis.failover")),
            },
            other => Err(self.not_known(&other.word())),
        };
        wire::outcome(done)
    }

    async fn promote(&self, out: &Output) -> Result<String, Wrong> {
        let id = &self.id;
        let Role::Replica { of, .. } = self.role().await.map_err(Wrong::Undone)? else {
            return Ok(format!("{id} is a master already; nothing was sent"));
        };
        out.line(format!("{id} follows {of}: REPLICAOF NO ONE"));
        let _ok: String = self
            .server
            .order(cmd("REPLICAOF").arg("NO").arg("ONE"))
            .await?;
        let patience = Patience::new(PROMOTED_WITHIN, EVERY);
        loop {
            if self.role().await.map_err(Wrong::Lost)? == Role::Master {
                return Ok(format!("{id} is a master, and no longer follows {of}"));
            }
            if !patience.again().await {
                let what = format!("ROLE: still no master after {}", Span(PROMOTED_WITHIN));
                return Err(self.lost(what, "does a Sentinel turn it back?"));
            }
        }
    }

    async fn follow(&self, of: &TargetId, out: &Output) -> Result<String, Wrong> {
        let id = &self.id;
        let Some((host, port)) = self.peers.get(of).filter(|_| of != id) else {
            let what = format!("follow {of}: no other Redis server of that name");
            return Err(self.undone(what, "name a Redis target of the site"));
        };
        out.line(format!(
            "{id}: REPLICAOF {host} {port}; what {id} holds gives way to {of}'s data"
        ));
        let _ok: String = self
            .server
            .order(cmd("REPLICAOF").arg(host).arg(*port))
            .await?;
        let master = format!("{host}:{port}");
        let (patience, mut before) = (Patience::new(LINKED_WITHIN, EVERY), String::new());
        loop {
            // While it loads what it got it may answer late: only the end of patience decides.
            let state = match self.role().await {
                Ok(Role::Replica { of, state }) if of == master => state,
                Ok(role) => format!("{role:?}"),
                Err(failure) => failure.what.to_string(),
            };
            if state == "connected" {
                return Ok(format!("{id} follows {of} ({master}), and its link is up"));
            }
            if state != before {
                out.line(format!("{id}: {state}"));
                before = state;
            }
            if !patience.again().await {
                let what = format!(
                    "link to {master} not up after {}: {before}",
                    Span(LINKED_WITHIN)
                );
                return Err(self.lost(what, "check masterauth, and whether the copy still runs"));
            }
        }
    }

    async fn save(&self, out: &Output) -> Result<String, Wrong> {
        let before = self.info().await.map_err(Wrong::Undone)?;
        let last = Info::read(&before)
            .last_save()
            .map_err(|why| self.undone(why, ""))?;
        if Info::read(&before)
            .clock()
            .is_some_and(|clock| clock.timestamp() == last.timestamp())
        {
            // The time of a save has no fractions: one more within the same second would not show.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        out.line(format!("{}: BGSAVE; the last save was at {last}", self.id));
        let _started: String = self.server.order(&cmd("BGSAVE")).await?;
        self.worked("BGSAVE", |info| {
            let saved = info.last_save()?;
            let work = Work {
                running: info.flag("rdb_bgsave_in_progress"),
                fine: info.text("rdb_last_bgsave_status")? == "ok" && saved > last,
            };
            Ok((work, format!("saved at {saved}")))
        })
        .await
    }

    async fn rewrite(&self, out: &Output) -> Result<String, Wrong> {
        out.line(format!("{}: BGREWRITEAOF", self.id));
        let _started: String = self.server.order(&cmd("BGREWRITEAOF")).await?;
        self.worked("BGREWRITEAOF", |info| {
            let waits = info.flag("aof_rewrite_scheduled");
            let work = Work {
                running: waits || info.flag("aof_rewrite_in_progress"),
                fine: info.text("aof_last_bgrewrite_status")? == "ok",
            };
            Ok((work, "the append-only file is rewritten".into()))
        })
        .await
    }

    /// Waits for work in the background to end; `read` tells from `INFO` how far it is, and what to say of it.
    async fn worked(
        &self,
        name: &str,
        read: impl Fn(&Info<'_>) -> Result<(Work, String), String>,
    ) -> Result<String, Wrong> {
        let patience = Patience::new(SAVED_WITHIN, EVERY);
        loop {
            let text = self.info().await.map_err(Wrong::Lost)?;
            let (work, said) = read(&Info::read(&text)).map_err(|why| self.lost(why, ""))?;
            match work {
                Work {
                    running: false,
                    fine: true,
                } => return Ok(format!("{}: {said}", self.id)),
                Work {
                    running: false,
                    fine: false,
                } => {
                    let what = format!("{name}: it ended and failed");
                    return Err(self.undone(what, "the server's log says why"));
                }
                Work { running: true, .. } => {}
            }
            if !patience.again().await {
                let what = format!("{name}: still running after {}", Span(SAVED_WITHIN));
                return Err(self.lost(what, ""));
            }
        }
    }

    async fn role(&self) -> Result<Role, Failure> {
        let answer: Vec<Value> = self.server.ask(&cmd("ROLE")).await?;
        let shown = format!("ROLE: {answer:?}");
        role(answer).ok_or_else(|| self.bad_answer(shown))
    }

    fn not_known(&self, word: &str) -> Wrong {
        Wrong::Undone(wire::not_known(self.server.on(), word))
    }

    fn undone(&self, what: String, advice: &str) -> Wrong {
        Wrong::Undone(Failure::new(
            FailureKind::BadAnswer,
            self.server.on(),
            what,
            advice,
        ))
    }

    fn lost(&self, what: String, advice: &str) -> Wrong {
        Wrong::Lost(Failure::new(
            FailureKind::TimedOut,
            self.server.on(),
            what,
            advice,
        ))
    }
}

/// `[master, offset, replicas]`, `[slave, host, port, state, offset]`.
fn role(answer: Vec<Value>) -> Option<Role> {
    let mut words = answer.into_iter();
    match from_redis_value::<String>(words.next()?).ok()?.as_str() {
        "master" => Some(Role::Master),
        "slave" => {
            let host: String = from_redis_value(words.next()?).ok()?;
            let port: u16 = from_redis_value(words.next()?).ok()?;
            Some(Role::Replica {
                of: format!("{host}:{port}"),
                state: from_redis_value(words.next()?).ok()?,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn a_role_is_read_as_the_server_gives_it() {
        let table = [
            (
                vec![text("master"), Value::Int(7), Value::Array(vec![])],
                Some(Role::Master),
            ),
            (
                vec![
                    text("slave"),
                    text("10.0.0.1"),
                    Value::Int(6379),
                    text("sync"),
                    Value::Int(-1),
                ],
                Some(Role::Replica {
                    of: "10.0.0.1:6379".into(),
                    state: "sync".into(),
                }),
            ),
            (vec![text("sentinel"), Value::Array(vec![])], None),
            (vec![], None),
        ];
        for (answer, expected) in table {
            assert_eq!(role(answer), expected);
        }
    }
}
