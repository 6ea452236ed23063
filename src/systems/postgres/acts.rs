//! What is done to a server, once each: no retries. An answer that is lost leaves the end unknown; where a look can tell
//! whether it happened all the same, one look is taken.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::Error;
use tokio_postgres::types::ToSql;

use super::Postgres;
use crate::incident::acts::Act;
use crate::incident::acts::postgres::{PgAct, PgRole, PgSight};
use crate::incident::asked;
use crate::incident::clean::Clean;
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Outcome, Verdict};
use crate::incident::site::Fence;
use crate::systems::Output;
use crate::systems::wire::host;
use crate::systems::wire::pg::{Limits, Session, failure, identifier, relation};

/// What `pg_promote` is told to wait.
const PROMOTION: Duration = Duration::from_secs(60);

/// How long a small statement (a grant, a reload, a WAL switch) may take before its end counts as unknown.
const SMALL: Duration = Duration::from_secs(30);

/// How long a promotion whose answer was lost is looked for.
const LOOKING: Duration = Duration::from_secs(5);

/// How long a reload may take to reach new sessions.
const RELOAD: Duration = Duration::from_secs(3);

/// Why a statement did not end well.
enum Trouble {
    /// The server, or this machine, said no: it did not happen.
    Said(Failure),
    /// The answer was lost: nobody knows.
    Lost(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Said(failure)
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Said(failure) => failed(failure),
            Trouble::Lost(failure) => Outcome::Unknown { failure },
        }
    }
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed {
        failure,
        exit: None,
    }
}

type Said = Result<String, Trouble>;

impl Postgres {
    pub(super) async fn act(&self, act: &Act, out: &Output) -> Outcome {
        let act = match act {
            Act::Postgres(act) if act.target() == &self.target.id => act,
            other => return failed(self.cannot(&other.word(), "this target can't do that", "")),
        };
        let said = match act {
            PgAct::Promote { .. } => return self.promote(out).await,
            PgAct::Fence { .. } => match &self.target.fence {
                Some(fence) => return self.fence_hard(fence, out).await,
                None => self.fence_soft(out).await,
            },
            PgAct::Unfence { .. } => match &self.target.fence {
                Some(fence) => return self.unfence_hard(fence, out).await,
                None => self.unfence_soft().await,
            },
            PgAct::Terminate { database, role, .. } => {
                self.terminate(database.as_deref(), role.as_deref(), out)
                    .await
            }
            PgAct::RevokeWrites { database, role, .. } => self.revoke(database, role).await,
            PgAct::GrantWrites { database, role, .. } => self.grant(database, role).await,
            PgAct::Reindex { table, .. } => self.reindex(table, out).await,
            PgAct::Checkpoint { .. } => self.checkpoint().await,
            PgAct::SwitchWal { .. } => self.switch_wal().await,
        };
        match said {
            Ok(said) => Outcome::Done {
                said: Clean::new(&said),
            },
            Err(trouble) => trouble.into(),
        }
    }

    // ── Promotion ────────────────────────────────────────────────────────────────────────────────────────────────────

    async fn promote(&self, out: &Output) -> Outcome {
        let before = match self.sight().await {
            Ok(sight) => sight,
            Err(failure) => return failed(failure),
        };
        if let Some(no) = self.not_to_be_promoted(&before) {
            return no;
        }
        let session = match self.acting(None).await {
            Ok(session) => session,
            Err(failure) => return failed(failure),
        };
        let id = &self.target.id;
        out.line(format!("{id}: promote from timeline {}", before.timeline));
        let begun = Instant::now();
        let sql = format!("SELECT pg_promote(true, {})", PROMOTION.as_secs());
        let told = self
            .ask(&session, "promote", &sql, Some(PROMOTION + SMALL))
            .await;
        match told {
            Err(Trouble::Said(failure)) => failed(failure),
            Err(Trouble::Lost(failure)) => self.promoted(&before, begun, Some(failure)).await,
            Ok(answer) if answer == "t" => self.promoted(&before, begun, None).await,
            Ok(_) => {
                let late = failure::timed_out(self.on(), "promote", PROMOTION);
                self.promoted(&before, begun, Some(late)).await
            }
        }
    }

    /// What forbids the call whatever the runner's guards said.
    fn not_to_be_promoted(&self, sight: &PgSight) -> Option<Outcome> {
        let id = &self.target.id;
        match &sight.role {
            PgRole::Primary(_) => {
                let what = format!("it is already {}", asked::role(sight));
                Some(failed(self.cannot("promote", &what, "nothing to do")))
            }
            PgRole::Standby(standby) if standby.replay_paused => Some(Outcome::Refused {
                verdicts: vec![Verdict::measured(
                    false,
                    format!("replay of {id} is paused — SELECT pg_wal_replay_resume() there first"),
                )],
            }),
            PgRole::Standby(_) => None,
        }
    }

    /// Success is what is read back: no recovery, and a new timeline. `doubt` is why the answer itself is not known.
    async fn promoted(&self, before: &PgSight, begun: Instant, doubt: Option<Failure>) -> Outcome {
        let until = Instant::now() + LOOKING;
        let after = loop {
            match self.sight().await {
                Ok(after) if is_promotion(before, &after) => break after,
                seen if doubt.is_none() || Instant::now() > until => {
                    let failure = doubt.unwrap_or_else(|| self.contradiction(seen));
                    return Outcome::Unknown { failure };
                }
                _ => sleep(Duration::from_millis(200)).await,
            }
        };
        let took = Span(begun.elapsed());
        let lost = doubt.map_or("", |_| ", although its answer was lost");
        let (id, new, old) = (&self.target.id, after.timeline, before.timeline);
        Outcome::Done {
            said: Clean::new(&format!(
                "{id} is the primary, on timeline {new} (was {old}), after {took}{lost}"
            )),
        }
    }

    /// The server said that it was done, and what is seen says otherwise.
    fn contradiction(&self, seen: Result<PgSight, Failure>) -> Failure {
        let seen = match seen {
            Err(failure) => return failure,
            Ok(sight) => asked::role(&sight),
        };
        let what = format!("the server said it was done, yet it is {seen}");
        self.cannot("promote", &what, "see its log before anything else")
    }

    // ── Fencing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Hard: by the host. Done only when the host's proof says so, however the program itself ended.
    async fn fence_hard(&self, fence: &Fence, out: &Output) -> Outcome {
        out.line(format!("{}: {}", self.target.id, fence.run.join(" ")));
        let ran = host::fence(fence, self.on()).await;
        if let Ok(said) = &ran {
            out.line(said.as_str());
        }
        out.line(format!("{}: {}", self.target.id, fence.proof.join(" ")));
        let proof = host::proof(fence, self.on()).await;
        match (proof, ran) {
            (Ok(word), _) if word.fenced => {
                let at = word.stopped_at.map_or(String::new(), |at| {
                    format!(" at {}", at.format("%H:%M:%S%.3f UTC"))
                });
                let id = &self.target.id;
                Outcome::Done {
                    said: Clean::new(&format!("{id} is fenced: stopped{at} and can't start")),
                }
            }
            (_, Err(failure)) if failure.kind == FailureKind::TimedOut => {
                Outcome::Unknown { failure }
            }
            (Err(failure), _) => Outcome::Unknown { failure },
            (Ok(_), Err(failure)) => failed(failure),
            (Ok(word), Ok(_)) => failed(self.cannot(
                "fence",
                &format!("the host ran it, yet its proof says: {}", word.said),
                "fence it by hand",
            )),
        }
    }

    async fn unfence_hard(&self, fence: &Fence, out: &Output) -> Outcome {
        match host::unfence(fence, self.on()).await {
            Ok(said) => {
                out.line(said.as_str());
                let id = &self.target.id;
                Outcome::Done {
                    said: Clean::new(&format!("{id} may start again")),
                }
            }
            Err(failure) if failure.kind == FailureKind::TimedOut => Outcome::Unknown { failure },
            Err(failure) => failed(failure),
        }
    }

    /// Soft: new sessions read only unless they ask for more, and those of others are ended. It is no proof of anything.
    async fn fence_soft(&self, out: &Output) -> Said {
        let session = self.acting(None).await?;
        self.default_read_only(&session, true).await?;
        out.line("default_transaction_read_only is on for new sessions");
        let (ended, kept) = self.end_sessions(&session, None, None, out).await?;
        let left = match kept {
            0 => String::new(),
            kept => format!(", {kept} could not be"),
        };
        Ok(format!(
            "soft fence only: {} is read-only by default, {ended} sessions ended{left}; a role may still BEGIN READ WRITE",
            self.target.id
        ))
    }

    async fn unfence_soft(&self) -> Said {
        let session = self.acting(None).await?;
        self.default_read_only(&session, false).await?;
        Ok(format!("{} takes writes by default again", self.target.id))
    }

    /// By ALTER SYSTEM, which stays on this server: ALTER ROLE and ALTER DATABASE would travel to the standby by WAL.
    /// Done when a new session says so.
    async fn default_read_only(&self, session: &Session, on: bool) -> Result<(), Trouble> {
        let (change, wanted) = match on {
            true => ("ALTER SYSTEM SET default_transaction_read_only = on", "on"),
            false => ("ALTER SYSTEM RESET default_transaction_read_only", "off"),
        };
        self.ask(session, "set the read-only default", change, Some(SMALL))
            .await?;
        self.ask(session, "reload", "SELECT pg_reload_conf()", Some(SMALL))
            .await?;
        let until = Instant::now() + RELOAD;
        loop {
            let fresh = self.acting(None).await.map_err(Trouble::Lost)?;
            let show = "SHOW default_transaction_read_only";
            let seen = self
                .ask(&fresh, "read the default back", show, Some(SMALL))
                .await?;
            if seen == wanted {
                return Ok(());
            }
            if Instant::now() > until {
                let what =
                    format!("default_transaction_read_only of a new session is still {seen}");
                return Err(Trouble::Said(self.cannot(
                    "reload",
                    &what,
                    "the role, the database or postgresql.conf sets it: see pg_settings.source",
                )));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    // ── Sessions and grants ──────────────────────────────────────────────────────────────────────────────────────────

    async fn terminate(&self, database: Option<&str>, role: Option<&str>, out: &Output) -> Said {
        let session = self.acting(None).await?;
        let (ended, kept) = self.end_sessions(&session, database, role, out).await?;
        match kept {
            0 => Ok(format!("{ended} sessions on {} ended", self.target.id)),
            kept => Err(Trouble::Said(self.cannot(
                "terminate",
                &format!("{ended} sessions ended, {kept} could not be"),
                "a superuser's sessions only a superuser ends",
            ))),
        }
    }

    /// Ends client sessions of other users one by one, for one that may not be ended would spoil a statement for all.
    /// WAL senders stay: a standby needs the last of the log.
    async fn end_sessions(
        &self,
        session: &Session,
        database: Option<&str>,
        role: Option<&str>,
        out: &Output,
    ) -> Result<(usize, usize), Trouble> {
        let list = "SELECT pid, coalesce(usename, ''), coalesce(datname, '') FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM current_user
              AND ($1::text IS NULL OR datname = $1) AND ($2::text IS NULL OR usename = $2)";
        let params: [&(dyn ToSql + Sync); 2] = [&database, &role];
        let listing = session.client.query(list, &params);
        let rows = self.within("list sessions", Some(SMALL), listing).await?;
        let (mut ended, mut kept) = (0, 0);
        for row in rows {
            let (pid, user, on): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
            let sql = format!("SELECT pg_terminate_backend({pid})");
            match self.ask(session, "end a session", &sql, Some(SMALL)).await {
                Ok(_) => {
                    ended += 1;
                    out.line(format!("session {pid} of {user} on {on} ended"));
                }
                Err(Trouble::Said(failure)) => {
                    kept += 1;
                    out.line(format!("session {pid} of {user} on {on}: {}", failure.what));
                }
                Err(lost) => return Err(lost),
            }
        }
        Ok((ended, kept))
    }

    /// Takes CONNECT from the role and from everybody, keeping it for ourselves.
    async fn revoke(&self, database: &str, role: &str) -> Said {
        let session = self.acting(None).await?;
        let (db, name) = (identifier(database), identifier(role));
        let sql = format!(
            "BEGIN; GRANT CONNECT ON DATABASE {db} TO CURRENT_USER; REVOKE CONNECT ON DATABASE {db} FROM PUBLIC, {name}; COMMIT"
        );
        self.ask(&session, "revoke CONNECT", &sql, Some(SMALL))
            .await?;
        Ok(format!(
            "CONNECT on {database} taken from {role} and from everybody; sessions that are open stay open"
        ))
    }

    /// Gives CONNECT back to the role; to everybody only where PUBLIC still has TEMPORARY, its other default right: a
    /// database that was closed to PUBLIC before is not opened by us.
    async fn grant(&self, database: &str, role: &str) -> Said {
        let session = self.acting(None).await?;
        let (db, name) = (identifier(database), identifier(role));
        let asking = "SELECT coalesce((SELECT bool_or(a.grantee = 0 AND a.privilege_type = 'TEMPORARY')
            FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a), false) FROM pg_database d WHERE d.datname = $1";
        let params: [&(dyn ToSql + Sync); 1] = [&database];
        let asked = session.client.query_one(asking, &params);
        let public: bool = self
            .within("read the grants", Some(SMALL), asked)
            .await?
            .get(0);
        let (also, words) = match public {
            true => (", PUBLIC", " and everybody"),
            false => ("", ""),
        };
        let sql = format!("GRANT CONNECT ON DATABASE {db} TO {name}{also}");
        self.ask(&session, "grant CONNECT", &sql, Some(SMALL))
            .await?;
        Ok(format!("CONNECT on {database} given to {role}{words}"))
    }

    // ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Concurrently, without a limit of its own: a time-out would leave an invalid index behind.
    async fn reindex(&self, table: &str, out: &Output) -> Said {
        let session = self.acting(None).await?;
        let quoted = relation(table);
        let kind = "SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)";
        let params: [&(dyn ToSql + Sync); 1] = [&quoted];
        let asked = session.client.query_opt(kind, &params);
        let row = self.within("find it", Some(SMALL), asked).await?;
        let word = match row.map(|row| row.get::<_, String>(0)).as_deref() {
            Some("i" | "I") => "INDEX",
            Some("r" | "p" | "m") => "TABLE",
            _ => {
                let what = format!("{table} is no table and no index of this database");
                return Err(Trouble::Said(self.cannot(
                    "reindex",
                    &what,
                    "write its schema: public.orders",
                )));
            }
        };
        let sql = format!("REINDEX {word} CONCURRENTLY {quoted}");
        out.line(&sql);
        let begun = Instant::now();
        self.ask(&session, "reindex", &sql, None)
            .await
            .map_err(|trouble| match trouble {
                Trouble::Said(mut failure) => {
                    failure.advice = "drop invalid indexes named …_ccnew before another try".into();
                    Trouble::Said(failure)
                }
                lost => lost,
            })?;
        Ok(format!("{table} reindexed in {}", Span(begun.elapsed())))
    }

    async fn checkpoint(&self) -> Said {
        let session = self.acting(None).await?;
        let begun = Instant::now();
        self.ask(&session, "checkpoint", "CHECKPOINT", None).await?;
        Ok(format!("checkpoint done in {}", Span(begun.elapsed())))
    }

    async fn switch_wal(&self) -> Said {
        let session = self.acting(None).await?;
        let sql = "SELECT pg_walfile_name(pg_switch_wal())";
        let file = self.ask(&session, "switch WAL", sql, Some(SMALL)).await?;
        Ok(format!("WAL file {file} closed"))
    }

    // ── How it is asked ──────────────────────────────────────────────────────────────────────────────────────────────

    /// A connection of the act's own, without the probes' limits.
    async fn acting(&self, dbname: Option<&str>) -> Result<Session, Failure> {
        let limits = Limits {
            statement: None,
            lock: SMALL / 2,
        };
        let deadline = Instant::now() + self.target.timeout.max(Duration::from_secs(5));
        self.door.open(dbname, limits, deadline).await
    }

    /// The first value of one statement's answer; empty when it has none.
    async fn ask(
        &self,
        session: &Session,
        tried: &str,
        sql: &str,
        limit: Option<Duration>,
    ) -> Said {
        let rows = self.within(tried, limit, session.rows(sql)).await?;
        let value = rows.first().and_then(|row| row.get(0));
        Ok(value.unwrap_or_default().to_owned())
    }

    async fn within<T>(
        &self,
        tried: &str,
        limit: Option<Duration>,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Trouble> {
        let answer = match limit {
            None => work.await,
            Some(limit) => match timeout(limit, work).await {
                Ok(answer) => answer,
                Err(_) => return Err(Trouble::Lost(failure::timed_out(self.on(), tried, limit))),
            },
        };
        answer.map_err(|error| {
            let said = failure::of(&error, self.on(), tried);
            match failure::is_lost(&error) {
                true => Trouble::Lost(said),
                false => Trouble::Said(said),
            }
        })
    }

    fn cannot(&self, tried: &str, what: &str, advice: &str) -> Failure {
        let what = format!("{tried}: {what}");
        Failure::new(FailureKind::Unsupported, self.on(), what, advice)
    }
}

fn is_promotion(before: &PgSight, after: &PgSight) -> bool {
    matches!(after.role, PgRole::Primary(_)) && after.timeline > before.timeline
}
