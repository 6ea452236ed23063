//! Rules on databases: PostgreSQL, Redis, and what restores them.

use super::super::super::super::fault::Weight::{Fault, Warning};
use super::{Explained, Over, Rule, Unless, why};

/// Why each matters.
#[rustfmt::skip]
pub(super) const WHY: [Explained; 21] = [
    why("pitr-of-a-dump", "A logical dump can't be recovered to a point in time: that takes a physical base backup and WAL."),
    why("no-such-program", "WAL is replayed by the server while it recovers, and by no program of its own."),
    why("recovery-conf", "Since PostgreSQL 12 a server does not start where a recovery.conf lies."),
    why("custom-format-gzip", "The custom format is compressed already, and pg_restore can't read it through gzip."),
    why("toc-only", "The table of contents stands at a dump's beginning: damaged data behind it is not looked at."),
    why("restore-through-a-pipe", "Under pipefail a warning that may be ignored ends the script, and without it a failure is hidden."),
    why("psql-on-error-stop", "psql goes on after an error in a script, and exits 0."),
    why("psql-no-database", "Without a database psql connects to one named after its user, where the tables are not."),
    why("sql-built-in-shell", "A value pasted into SQL is SQL: a quote in it ends the statement, and may begin another."),
    why("replay-timestamp-lag", "It grows while the primary is idle or dead though nothing is missing, and closes the gate just when it is needed."),
    why("dead-tuples", "Dead rows are what every update leaves behind, and no sign of damage."),
    why("fk-by-catalogue", "Two catalogues are compared here, and no row is: an orphan is not found."),
    why("vacuum-full", "VACUUM FULL locks the table, writes it anew and takes the evidence with it."),
    why("activity-duration", "pg_stat_activity has no column duration: the statement fails."),
    why("terminates-everything", "It ends backups, replication and its own session along with what was meant."),
    why("archive-command-in-script", "archive_command is a setting of the server: a shell runs it as a command, or not at all."),
    why("redis-exit-code", "redis-cli exits 0 when the server answers with an error, a refused failover included."),
    why("aof-restores-nothing", "BGREWRITEAOF writes what is in memory: an empty server replaces the old file with an empty one."),
    why("rdb-ignored", "With AOF on, Redis starts from the AOF and never reads the RDB."),
    why("sentinel-master-differs", "A name that no Sentinel knows is answered with an error, which redis-cli calls a success."),
    why("copy-into-nothing", "A pod that was scaled away can't be copied into."),
];

/// What is found by a pattern.
#[rustfmt::skip]
pub(super) const RULES: [Rule; 20] = [
    Rule {
        code: "pitr-of-a-dump", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bpg_restore\b[^\n|;]*\s--(?:target-)?(?:time|action)\b",
        what: "pg_restore can't recover to a time",
        instead: "recover from a base backup and WAL: recovery_target_time in postgresql.conf",
    },
    Rule {
        code: "no-such-program", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bpg_wal_replay\b[^_(]",
        what: "there is no program pg_wal_replay",
        instead: "set restore_command and recovery_target_time, then start the server",
    },
    Rule {
        code: "recovery-conf", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"[\w./-]*\brecovery\.conf\b",
        what: "recovery.conf is refused since PostgreSQL 12",
        instead: "write postgresql.auto.conf, and touch recovery.signal",
    },
    Rule {
        code: "custom-format-gzip", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bpg_dump\b[^\n|;]*\s(?:-\w*Fc|--format[ =]c\w*)\b[^\n|]*\|\s*(?:pigz|gzip|zstd|xz)\b",
        what: "a dump in the custom format is compressed again, and pg_restore can't read that",
        instead: "leave the compression out, or -Z 9",
    },
    Rule {
        code: "toc-only", weight: Warning, over: Over::Shell, unless: Unless::Script(r"pg_restore\b[^\n|;]*(?:-f\s*|--file[ =])/dev/null"),
        pattern: r"\bpg_restore\s+(?:-l|--list)\b",
        what: "only the table of contents is read",
        instead: "read it all, pg_restore -f /dev/null FILE, and compare its checksum",
    },
    Rule {
        code: "restore-through-a-pipe", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bpg_restore\b[^\n|;]*\|\s*tee\b",
        what: "the restore's exit code is lost or misread behind the pipe",
        instead: "send its output to a file, and look at its exit code",
    },
    Rule {
        code: "psql-on-error-stop", weight: Fault, over: Over::Shell, unless: Unless::Command(r"ON_ERROR_STOP"),
        pattern: r"\|[^\n|;]*\bpsql\b|\bpsql\b[^\n|;)]*(?:\s-f\s|\s--file[ =]|<)",
        what: "psql goes on after an error, and exits 0",
        instead: "psql -v ON_ERROR_STOP=1 --single-transaction",
    },
    Rule {
        code: "psql-no-database", weight: Warning, over: Over::Shell,
        unless: Unless::Named(r"\s(?:-d|--dbname)\b|dbname=|://|(?i:\$\{?\w*(?:url|dsn|uri)\b|\b(?:drop|create|alter)\s+(?:database|role)|pg_stat_|pg_terminate|pg_last_|pg_is_in|select\s+1\b)"),
        pattern: r"\bpsql\b[^\n|;]*?\s-\w*c\s",
        what: "psql names no database",
        instead: "add -d DATABASE",
    },
    Rule {
        code: "sql-built-in-shell", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bpsql\b[^\n|;]*\s-\w*c\s+\x22[^\x22\n]*=\s*'\$\{?\w",
        what: "a value is pasted into SQL",
        instead: "use an sql fence, where :NAME is a bound parameter, or psql -v with :'NAME'",
    },
    Rule {
        code: "replay-timestamp-lag", weight: Fault, over: Over::Query, unless: Unless::Script(r"pg_last_wal_receive_lsn"),
        pattern: r"(?i)now\(\)\s*-\s*pg_last_xact_replay_timestamp\(\)",
        what: "this is the age of the last transaction, not the lag",
        instead: "use the condition lag, or compare pg_last_wal_receive_lsn() with pg_last_wal_replay_lsn() first",
    },
    Rule {
        code: "dead-tuples", weight: Warning, over: Over::Query, unless: Unless::Never,
        pattern: r"(?i)\bn_dead_tup\s*>",
        what: "dead rows are taken for damage",
        instead: "pg_amcheck, checksum_failures of pg_stat_database, pg_checksums --check",
    },
    Rule {
        code: "fk-by-catalogue", weight: Fault, over: Over::Query, unless: Unless::Never,
        pattern: r"(?i)\bpg_constraint\b[\s\S]{0,400}?information_schema\.referential_constraints",
        what: "no row is looked at",
        instead: "ALTER TABLE … VALIDATE CONSTRAINT, or an anti-join of the two tables",
    },
    Rule {
        code: "vacuum-full", weight: Warning, over: Over::Query, unless: Unless::Never,
        pattern: r"(?i)\bvacuum\s*\(?\s*full\b",
        what: "VACUUM FULL writes the table anew",
        instead: "copy the data directory first, and REINDEX what pg_amcheck names",
    },
    Rule {
        code: "activity-duration", weight: Fault, over: Over::Query, unless: Unless::Never,
        pattern: r"(?i)\bpg_stat_activity\b[^;\n]*\bduration\s*[<>]",
        what: "pg_stat_activity has no duration",
        instead: "now() - query_start > interval '5 minutes' AND state = 'active'",
    },
    Rule {
        code: "terminates-everything", weight: Fault, over: Over::Query, unless: Unless::Script(r"(?i)usename|backend_type|application_name|pg_backend_pid|client_addr"),
        pattern: r"(?i)\bpg_terminate_backend\s*\(\s*pid\s*\)[^;\n]*\bpg_stat_activity\b",
        what: "sessions are ended that nobody looked at",
        instead: "postgres.terminate, or AND backend_type = 'client backend' AND usename = … AND pid <> pg_backend_pid()",
    },
    Rule {
        code: "archive-command-in-script", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?m)^\s*archive_command\s*=",
        what: "archive_command is no command of a shell",
        instead: "set it in postgresql.conf, by pgBackRest, Barman or WAL-G",
    },
    Rule {
        code: "redis-exit-code", weight: Warning, over: Over::Shell, unless: Unless::Command(r"\s-e\b|\|\s*grep\b"),
        pattern: r"\bredis-cli\b[^\n|;)]*\s(?i:ping|info|dbsize|sentinel|bgrewriteaof|bgsave|save|set|del|config|replicaof|flush\w+|keys)\b",
        what: "redis-cli exits 0 on an error reply",
        instead: "add -e, or use a redis fence",
    },
    Rule {
        code: "aof-restores-nothing", weight: Fault, over: Over::Written, unless: Unless::Never,
        pattern: r"(?i)\brestor\w*[^\n]*\n(?:[^\n]+\n)?[^\n]*\bBGREWRITEAOF\b",
        what: "BGREWRITEAOF restores nothing",
        instead: "stop the server, put its files in place, start it with appendonly no, then turn AOF on",
    },
    Rule {
        code: "rdb-ignored", weight: Warning, over: Over::Shell, unless: Unless::Script(r"appendonly"),
        pattern: r"\bcp\b[^\n|;]*\bdump\.rdb\b",
        what: "with AOF on, the RDB is not read",
        instead: "start with appendonly no, and CONFIG SET appendonly yes afterwards",
    },
    Rule {
        code: "copy-into-nothing", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"--replicas=0\b[^\n]*\n(?:[^\n]*\n){0,6}?[^\n]*\bkubectl\s+cp\s[^\n]*:",
        what: "the pod was scaled away before it is copied into",
        instead: "mount its volume in a helper pod",
    },
];
