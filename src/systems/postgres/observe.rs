//! One look at a server: a single statement in a read-only transaction, whose one JSON value is the sight.
//!
//! Which columns tell the truth about replication, and which lie, was measured: see `incident::replication`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::incident::acts::postgres::{PgPrimary, PgReplica, PgRole, PgSight, PgStandby};
use crate::incident::measure::Lsn;
use crate::incident::reading::{Failure, FailureKind};
use crate::systems::wire::pg::{Session, failure, relation};

/// Looks at the server once.
pub(super) async fn look(
    session: &Session,
    on: &str,
    heartbeat: Option<&str>,
) -> Result<PgSight, Failure> {
    let sql = statement(session.version, heartbeat);
    let rows = session
        .rows(&sql)
        .await
        .map_err(|error| of_look(failure::of(&error, on, "read its state"), heartbeat))?;
    let text = rows.first().and_then(|row| row.get(0)).unwrap_or_default();
    let strange = |why: &dyn std::fmt::Display| {
        Failure::new(
            FailureKind::BadAnswer,
            on,
            format!("read its state: {why}"),
            "check that a PostgreSQL server listens there",
        )
    };
    let raw: Raw = serde_json::from_str(text).map_err(|error| strange(&error))?;
    raw.sight(session.version).map_err(|why| strange(&why))
}

/// A relation that is missing can only be the heartbeat's.
fn of_look(mut failure: Failure, heartbeat: Option<&str>) -> Failure {
    if let (FailureKind::Missing, Some(table)) = (failure.kind, heartbeat) {
        failure.advice = format!(
            "CREATE TABLE {table} (at timestamptz NOT NULL) with one row, or take heartbeat out of the target"
        );
    }
    failure
}

/// `BEGIN READ ONLY` keeps a probe from changing anything, whatever a function does. Replication of WAL files
/// (`pg_receivewal`), base backups and logical decoding stand in `pg_stat_replication` and are no replicas.
fn statement(version: u32, heartbeat: Option<&str>) -> String {
    let beat = heartbeat.map_or("NULL".to_owned(), |table| {
        format!("(SELECT max(at) FROM {})", relation(table))
    });
    // Tools that call pg_backup_start themselves keep its session open until pg_backup_stop.
    let mut backups = vec![
        "EXISTS (SELECT FROM pg_stat_replication WHERE state = 'backup')",
        "EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'pgBackRest%[backup]%'
            OR application_name <> 'warroom' AND query ~* '^\\s*select\\s.*pg_(backup_start|start_backup)\\s*\\(')",
    ];
    if version >= 130_000 {
        backups.push("EXISTS (SELECT FROM pg_stat_progress_basebackup)");
    }
    if version < 150_000 {
        backups.push("pg_is_in_backup()");
    }
    let backup = backups.join(" OR ");
    format!(
        "BEGIN READ ONLY;
SELECT json_build_object(
    'system_id', (SELECT system_identifier::text FROM pg_control_system()),
    'clock', clock_timestamp(),
    'read_only', current_setting('default_transaction_read_only') = 'on',
    'heartbeat', {beat},
    'primary', CASE WHEN NOT recovers THEN json_build_object(
        'walfile', pg_walfile_name(pg_current_wal_lsn()),
        'lsn', pg_current_wal_lsn()::text,
        'replicas', (SELECT json_agg(json_build_object(
                'name', coalesce(r.application_name, ''), 'state', r.state, 'replay', r.replay_lsn::text,
                'reply_age', extract(epoch FROM clock_timestamp() - r.reply_time)::float8))
            FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
            WHERE coalesce(r.application_name, '') NOT IN ('pg_receivewal', 'pg_basebackup', 'barman_receive_wal')
                AND coalesce(r.state, '') <> 'backup' AND coalesce(s.slot_type, '') <> 'logical'),
        'backup', {backup},
        'archived_at', (SELECT last_archived_time FROM pg_stat_archiver),
        'archive_failing', (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
            FROM pg_stat_archiver)) END,
    'standby', CASE WHEN recovers THEN json_build_object(
        'timeline', greatest((SELECT max(received_tli) FROM pg_stat_wal_receiver),
            (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
            (SELECT timeline_id FROM pg_control_checkpoint())),
        'receive', pg_last_wal_receive_lsn()::text,
        'replay', pg_last_wal_replay_lsn()::text,
        'paused', pg_is_wal_replay_paused(),
        'last_commit', pg_last_xact_replay_timestamp(),
        'receiver', (SELECT json_build_object('status', status, 'told', latest_end_lsn::text,
                'age', extract(epoch FROM clock_timestamp() - last_msg_receipt_time)::float8)
            FROM pg_stat_wal_receiver WHERE pid IS NOT NULL LIMIT 1)) END)
FROM (SELECT pg_is_in_recovery() AS recovers OFFSET 0) state;
COMMIT"
    )
}

#[derive(Deserialize)]
struct Raw {
    system_id: String,
    clock: DateTime<Utc>,
    read_only: bool,
    heartbeat: Option<DateTime<Utc>>,
    primary: Option<RawPrimary>,
    standby: Option<RawStandby>,
}

#[derive(Deserialize)]
struct RawPrimary {
    walfile: String,
    lsn: String,
    replicas: Option<Vec<RawReplica>>,
    backup: bool,
    archived_at: Option<DateTime<Utc>>,
    archive_failing: bool,
}

#[derive(Deserialize)]
struct RawReplica {
    name: String,
    state: Option<String>,
    replay: Option<String>,
    reply_age: Option<f64>,
}

#[derive(Deserialize)]
struct RawStandby {
    timeline: u32,
    receive: Option<String>,
    replay: Option<String>,
    paused: bool,
    last_commit: Option<DateTime<Utc>>,
    receiver: Option<RawReceiver>,
}

/// A user without `pg_monitor` sees that there is a receiver, and NULL for all else.
#[derive(Deserialize)]
struct RawReceiver {
    status: Option<String>,
    told: Option<String>,
    age: Option<f64>,
}

impl Raw {
    fn sight(self, version: u32) -> Result<PgSight, String> {
        let (timeline, role) = match (self.primary, self.standby) {
            (Some(primary), _) => (primary.timeline()?, PgRole::Primary(primary.typed()?)),
            (None, Some(standby)) => (standby.timeline, PgRole::Standby(standby.typed()?)),
            (None, None) => return Err("it is neither primary nor standby".into()),
        };
        let system_id = self.system_id.parse::<i64>().map(i64::cast_unsigned);
        Ok(PgSight {
            system_id: system_id
                .map_err(|e| format!("system identifier {}: {e}", self.system_id))?,
            timeline,
            version,
            clock: self.clock,
            default_read_only: self.read_only,
            heartbeat: self.heartbeat,
            role,
        })
    }
}

impl RawPrimary {
    /// The first eight hexadecimal digits of a WAL file's name.
    fn timeline(&self) -> Result<u32, String> {
        let digits = self.walfile.get(..8).unwrap_or_default();
        u32::from_str_radix(digits, 16).map_err(|_| format!("WAL file {:?}", self.walfile))
    }

    fn typed(self) -> Result<PgPrimary, String> {
        let replicas = self.replicas.unwrap_or_default().into_iter();
        Ok(PgPrimary {
            lsn: self.lsn.parse()?,
            replicas: replicas.map(RawReplica::typed).collect::<Result<_, _>>()?,
            backup_running: self.backup,
            archived_at: self.archived_at,
            archive_failing: self.archive_failing,
        })
    }
}

impl RawReplica {
    fn typed(self) -> Result<PgReplica, String> {
        Ok(PgReplica {
            name: self.name,
            state: self.state.unwrap_or_else(|| "unknown".into()),
            replay: lsn(self.replay)?,
            reply_age: self.reply_age.map(seconds),
        })
    }
}

impl RawStandby {
    fn typed(self) -> Result<PgStandby, String> {
        let receiver = self.receiver.as_ref();
        Ok(PgStandby {
            receiving: receiver
                .is_some_and(|r| r.status.as_deref().unwrap_or("streaming") == "streaming"),
            last_message_age: receiver.and_then(|r| r.age).map(seconds),
            told: lsn(self.receiver.and_then(|r| r.told))?,
            receive: lsn(self.receive)?,
            replay: lsn(self.replay)?,
            replay_paused: self.paused,
            last_commit: self.last_commit,
        })
    }
}

fn lsn(text: Option<String>) -> Result<Option<Lsn>, String> {
    text.map(|text| text.parse()).transpose()
}

/// An age in seconds; clocks that disagree don't make it negative.
fn seconds(age: f64) -> Duration {
    Duration::try_from_secs_f64(age).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_seen_is_not_zero() {
        let text = r#"{"system_id": "-5", "clock": "2026-11-21T04:44:18.673003+00:00", "read_only": false,
            "heartbeat": null, "primary": null, "standby": {"timeline": 2, "receive": "0/3000000", "replay": null,
            "paused": false, "last_commit": null, "receiver": {"status": null, "told": null, "age": null}}}"#;
        let sight = serde_json::from_str::<Raw>(text)
            .unwrap()
            .sight(150_018)
            .unwrap();
        assert_eq!(sight.system_id, u64::MAX - 4);
        let PgRole::Standby(standby) = sight.role else {
            panic!("a standby")
        };
        assert!(standby.receiving);
        assert_eq!((standby.replay, standby.last_message_age), (None, None));
    }

    #[test]
    fn the_timeline_is_read_from_the_name_of_the_wal_file() {
        let primary = |walfile: &str| RawPrimary {
            walfile: walfile.into(),
            lsn: "0/0".into(),
            replicas: None,
            backup: false,
            archived_at: None,
            archive_failing: false,
        };
        assert_eq!(primary("0000001A000000000000003F").timeline(), Ok(26));
        assert!(primary("garbage").timeline().is_err());
    }
}
