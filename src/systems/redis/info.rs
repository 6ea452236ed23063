//! `INFO` as a sight.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::incident::acts::redis::{RedisReplica, RedisRole, RedisSight};

/// The fields of one `INFO` answer.
pub struct Info<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    /// Reads `field:value` lines; section titles and what is neither are passed over.
    pub fn read(text: &'a str) -> Self {
        Self(
            text.lines()
                .filter_map(|line| line.split_once(':'))
                .collect(),
        )
    }

    /// A field as text.
    ///
    /// # Errors
    /// Its name, when it is not there.
    pub fn text(&self, field: &str) -> Result<&'a str, String> {
        let value = self.0.get(field).copied();
        value.ok_or_else(|| format!("INFO has no {field}"))
    }

    /// A field as a number.
    ///
    /// # Errors
    /// Its name and value, when it is none.
    pub fn number(&self, field: &str) -> Result<u64, String> {
        let text = self.text(field)?;
        text.parse()
            .map_err(|_| format!("INFO: {field} is {text:?}"))
    }

    /// A field that is 0 or 1; what is not there is not so.
    pub fn flag(&self, field: &str) -> bool {
        self.0.get(field) == Some(&"1")
    }

    /// A field in seconds; none when it is not there or -1.
    fn seconds(&self, field: &str) -> Option<Duration> {
        self.number(field).ok().map(Duration::from_secs)
    }

    /// `rdb_last_save_time`.
    ///
    /// # Errors
    /// Its name and value, when it is no time.
    pub fn last_save(&self) -> Result<DateTime<Utc>, String> {
        let text = self.text("rdb_last_save_time")?;
        let at = text
            .parse()
            .ok()
            .and_then(|at| DateTime::from_timestamp(at, 0));
        at.ok_or_else(|| format!("INFO: rdb_last_save_time is {text:?}"))
    }

    /// The server's clock.
    pub fn clock(&self) -> Option<DateTime<Utc>> {
        let micros = self.0.get("server_time_usec")?.parse().ok()?;
        DateTime::from_timestamp_micros(micros)
    }

    /// All that a probe sees of a server; `db` is the database whose keys are counted.
    ///
    /// # Errors
    /// Which field is missing or makes no sense.
    pub fn sight(&self, db: i64) -> Result<RedisSight, String> {
        Ok(RedisSight {
            version: self.text("redis_version")?.to_owned(),
            run_id: self.text("run_id")?.to_owned(),
            replid: self.text("master_replid")?.to_owned(),
            role: self.role()?,
            keys: self.keys(db)?,
            loading: self.flag("loading"),
            last_save: self.last_save().ok(),
            saved: self.saved(),
        })
    }

    fn role(&self) -> Result<RedisRole, String> {
        match self.text("role")? {
            "master" => Ok(RedisRole::Master {
                offset: self.number("master_repl_offset")?,
                replicas: self.replicas()?,
            }),
            "slave" => {
                let (host, port) = (self.text("master_host")?, self.number("master_port")?);
                let link_up = self.text("master_link_status")? == "up";
                Ok(RedisRole::Replica {
                    of: format!("{host}:{port}"),
                    offset: self.number("slave_repl_offset").unwrap_or_default(),
                    link_up,
                    last_io: self.seconds("master_last_io_seconds_ago"),
                    down_for: self.seconds("master_link_down_since_seconds"),
                })
            }
            other => Err(format!("INFO: role is {other:?}")),
        }
    }

    /// The `slaveN` lines: `slave0:ip=127.0.0.1,port=6380,state=online,offset=14,lag=0`.
    fn replicas(&self) -> Result<Vec<RedisReplica>, String> {
        let count = self.number("connected_slaves")?;
        let lines = (0..count).filter_map(|n| self.0.get(format!("slave{n}").as_str()));
        lines.map(|line| replica(line)).collect()
    }

    /// `db0:keys=402,expires=300`; a database without keys has no line.
    fn keys(&self, db: i64) -> Result<u64, String> {
        let Some(line) = self.0.get(format!("db{db}").as_str()) else {
            return Ok(0);
        };
        let keys = part(line, "keys").and_then(|keys| keys.parse().ok());
        keys.ok_or_else(|| format!("INFO: db{db} is {line:?}"))
    }

    /// Whether the last save is one. `rdb_last_save_time` starts as the server's start, and `rdb_saves` counts attempts,
    /// so only a time after the start proves it; or keys that came from a dump (with AOF on they came from elsewhere).
    fn saved(&self) -> bool {
        let loaded = self.number("rdb_last_load_keys_loaded").unwrap_or_default() > 0;
        if loaded && !self.flag("aof_enabled") {
            return true;
        }
        let started = self.clock().zip(self.seconds("uptime_in_seconds"));
        let started = started.and_then(|(clock, up)| Some(clock - TimeDelta::from_std(up).ok()?));
        // Both are cut to seconds, so one second apart may still be the same moment.
        match (started, self.last_save()) {
            (Some(started), Ok(saved)) => saved > started + TimeDelta::seconds(1),
            _ => false,
        }
    }
}

fn part<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = line.split(',').filter_map(|part| part.split_once('='));
    parts.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn replica(line: &str) -> Result<RedisReplica, String> {
    let text = |name| part(line, name).ok_or_else(|| format!("INFO: a replica is {line:?}"));
    let number = |name| Ok::<u64, String>(text(name)?.parse().unwrap_or_default());
    Ok(RedisReplica {
        addr: format!("{}:{}", text("ip")?, text("port")?),
        state: text("state")?.to_owned(),
        offset: number("offset")?,
        last_ack: Duration::from_secs(number("lag")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: &str = "# Server\r\nredis_version:7.0.15\r\nrun_id:ab\r\nuptime_in_seconds:100\r\n\
        server_time_usec:1700000100500000\r\nmaster_replid:cd\r\nloading:0\r\n";

    fn sight(more: &str) -> RedisSight {
        Info::read(&format!("{COMMON}{more}")).sight(0).unwrap()
    }

    #[test]
    fn a_master_lists_its_replicas() {
        let sight = sight(
            "rdb_last_save_time:1700000000\r\nrole:master\r\nconnected_slaves:1\r\n\
             slave0:ip=10.0.0.2,port=6380,state=online,offset=990,lag=1\r\nmaster_repl_offset:1000\r\n\
             db0:keys=402,expires=300,avg_ttl=9\r\ndb1:keys=1,expires=0,avg_ttl=0\r\n",
        );
        let replica = RedisReplica {
            addr: "10.0.0.2:6380".into(),
            state: "online".into(),
            offset: 990,
            last_ack: Duration::from_secs(1),
        };
        let role = RedisRole::Master {
            offset: 1000,
            replicas: vec![replica],
        };
        assert_eq!((sight.role, sight.keys, sight.loading), (role, 402, false));
    }

    #[test]
    fn a_replica_whose_link_is_down_says_since_when() {
        let sight = sight(
            "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\n\
             master_last_io_seconds_ago:-1\r\nslave_repl_offset:77\r\nmaster_link_down_since_seconds:12\r\n",
        );
        let role = RedisRole::Replica {
            of: "10.0.0.1:6379".into(),
            offset: 77,
            link_up: false,
            last_io: None,
            down_for: Some(Duration::from_secs(12)),
        };
        assert_eq!((sight.role, sight.keys), (role, 0));
    }

    #[test]
    fn a_save_counts_only_when_it_was_one() {
        let master = "role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n";
        let table = [
            (
                "the start time of a server that never saved",
                "rdb_last_save_time:1700000000\r\n",
                false,
            ),
            (
                "the same, cut to the next second",
                "rdb_last_save_time:1700000001\r\n",
                false,
            ),
            (
                "a save 50 s after the start",
                "rdb_last_save_time:1700000050\r\n",
                true,
            ),
            (
                "a failed attempt",
                "rdb_last_save_time:1700000000\r\nrdb_saves:1\r\n",
                false,
            ),
            (
                "a dump loaded at the start",
                "rdb_last_save_time:1700000000\r\nrdb_last_load_keys_loaded:9\r\naof_enabled:0\r\n",
                true,
            ),
            (
                "an append-only file loaded at the start",
                "rdb_last_save_time:1700000000\r\nrdb_last_load_keys_loaded:9\r\naof_enabled:1\r\n",
                false,
            ),
        ];
        for (what, fields, saved) in table {
            assert_eq!(sight(&format!("{master}{fields}")).saved, saved, "{what}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let fault = Info::read(COMMON).sight(0).unwrap_err();
        assert_eq!(fault, "INFO has no role");
    }
}
