"""The PostgreSQL primary `pg-east`, its streaming standby `pg-west`, and what is in them.

Each server's postgresql.conf is written anew at every start, as a host's configuration management would: `pg_rewind`
and `pg_basebackup` copy the other server's. Both servers have the other as `primary_conninfo`, which only counts once
there is a `standby.signal`.
"""

import contextlib
import os
import signal
import subprocess

import psql
from core import ENV, LabError, wait_for, write

OTHER = {"pg-east": "pg-west", "pg-west": "pg-east"}
SLOT = {"pg-east": "pg_east", "pg-west": "pg_west"}

# Without this file `postgres` and `pg_ctl` refuse the folder, whoever starts them ("is not a valid data directory").
VERSION = "PG_VERSION"
FENCED_VERSION = "PG_VERSION.fenced"

CONF = """\
# Written by tests/lab/lab at every start of {name}.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
cluster_name = '{name}'
max_connections = 60
shared_buffers = 32MB
fsync = off                     # servers are killed here, never the machine
wal_level = replica
wal_log_hints = on
full_page_writes = on
max_wal_size = 512MB
wal_keep_size = 256MB           # for pg_rewind
max_wal_senders = 8
max_replication_slots = 8
hot_standby = on
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 1s
archive_mode = on
archive_command = 'test -f {wal}/%f && cmp -s %p {wal}/%f || {{ test ! -f {wal}/%f && cp %p {wal}/.%f && mv {wal}/.%f {wal}/%f; }}'
restore_command = 'cp {wal}/%f %p'
recovery_target_timeline = 'latest'
primary_conninfo = 'host=127.0.0.1 port={other_port} user=replicator application_name={name} passfile={passfile}'
primary_slot_name = '{slot}'
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
"""

# What a restore of the primary's storage is: a server of its own, on the primary's port of another address, as a copy at a provider
# has the port and another name.
COPY = "pg-copy"
COPY_ADDRESS = "127.0.0.2"
COPY_CONF = """\
listen_addresses = '{address}'
port = {port}
unix_socket_directories = ''
cluster_name = 'pg-copy'
max_connections = 60
shared_buffers = 32MB
fsync = off
log_timezone = 'UTC'
timezone = 'UTC'
"""

HBA = """\
host all         all        127.0.0.1/32 scram-sha-256
host replication replicator,postgres 127.0.0.1/32 scram-sha-256
"""

# Grants on functions are per database, so they are given in template1 before `app` is made of it.
ROLES = """\
SET password_encryption = 'scram-sha-256';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD '{replication}';
CREATE ROLE app LOGIN PASSWORD '{app}';
CREATE ROLE warroom LOGIN CREATEDB PASSWORD '{warroom}';
GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO warroom;
GRANT SET, ALTER SYSTEM ON PARAMETER default_transaction_read_only TO warroom;
SELECT pg_create_physical_replication_slot('pg_west');
"""
GRANTS = """\
GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer), pg_wal_replay_pause(), pg_wal_replay_resume(),
    pg_switch_wal(), pg_create_restore_point(text), pg_reload_conf() TO warroom;
"""
TABLES = """\
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    plan text NOT NULL CHECK (plan IN ('free', 'team', 'enterprise')),
    created_at timestamptz NOT NULL
);
CREATE TABLE debates (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    topic text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'consensus', 'split')),
    created_at timestamptz NOT NULL
);
CREATE INDEX debates_customer ON debates (customer_id);
CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    debate_id bigint NOT NULL REFERENCES debates,
    agent text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX messages_debate ON messages (debate_id);
CREATE TABLE heartbeat (at timestamptz NOT NULL);

INSERT INTO customers (name, email, plan, created_at)
SELECT (ARRAY['Arbor','Beacon','Cobalt','Delta','Ember','Fathom','Granite','Harbor'])[1 + n % 8] || ' '
       || (ARRAY['Labs','Health','Bank','Freight','Energy','Media'])[1 + n % 6] || ' ' || n,
       'ops' || n || '@example.com', (ARRAY['free','free','team','enterprise'])[1 + n % 4],
       now() - interval '1 hour' * (400 - n) * 5
FROM generate_series(1, 400) n;
INSERT INTO debates (customer_id, topic, status, created_at)
SELECT 1 + (n * 37) % 400,
       (ARRAY['Move billing to','Retire','Split','Cache','Rewrite','Insure'])[1 + n % 6] || ' '
       || (ARRAY['the event bus','the old gateway','regional storage','search','the ledger'])[1 + n % 5] || '?',
       (ARRAY['open','consensus','consensus','split'])[1 + n % 4], now() - interval '1 hour' * (1500 - n)
FROM generate_series(1, 1500) n;
INSERT INTO messages (debate_id, agent, body, created_at)
SELECT 1 + (n * 17) % 1500, (ARRAY['proposer','critic','judge'])[1 + n % 3],
       'Round ' || 1 + n % 4 || ': ' || md5(n::text) || md5((n * 7)::text), now() - interval '1 minute' * (6000 - n) * 15
FROM generate_series(1, 6000) n;
INSERT INTO heartbeat VALUES (now());
GRANT SELECT ON ALL TABLES IN SCHEMA public TO warroom;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO warroom;
"""


def conninfo(lab, service, user="postgres", dbname="app"):
    """`service` is a name, or None: whichever of the two accepts writes."""
    if service:
        return f"host=127.0.0.1 port={lab.ports[service]} user={user} dbname={dbname} connect_timeout=2"
    return (
        f"host=127.0.0.1,127.0.0.1 port={lab.ports['pg-east']},{lab.ports['pg-west']} user={user} dbname={dbname}"
        " connect_timeout=2 target_session_attrs=read-write"
    )


def pgpass(lab):
    return lab.dir / "secrets" / "pgpass"


def sql(lab, service, script, user="postgres", dbname="app"):
    return psql.run(conninfo(lab, service, user, dbname), pgpass(lab), script)


def run(service, argv):
    """Runs one of PostgreSQL's own programs as the servers' user."""
    me = service.owner.pw_uid == os.getuid()
    user = {} if me else {"user": service.owner.pw_uid, "group": service.owner.pw_gid, "extra_groups": []}
    with open(service.log, "ab") as log:
        done = subprocess.run(
            [psql.program(argv[0]), *map(str, argv[1:])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=ENV | {"PGPASSFILE": str(service.home.parent / "pgpass")},
            **user,
        )
    if done.returncode != 0:
        raise LabError(f"{argv[0]} of {service.name} failed ({done.returncode})", service.log)


def secrets(lab):
    """Passwords: one file for each role, and a pgpass for the lab and one for each server."""
    logins = {"postgres": "pg-admin", "warroom": "pg", "app": "pg-app", "replicator": "pg-replication"}
    lines = "".join(f"127.0.0.1:*:*:{role}:{lab.secret(file)}\n" for role, file in logins.items())
    write(pgpass(lab), lines)
    for name in (*OTHER, COPY):
        home = lab.dir / name
        home.mkdir(mode=0o700)
        os.chown(home, lab.postgres.pw_uid, lab.postgres.pw_gid)
        write(home / "pgpass", lines, owner=lab.postgres)


def configure(service):
    if service.name == COPY:
        text = COPY_CONF.format(address=COPY_ADDRESS, port=service.port)
    else:
        text = conf(service)
    write(service.home / "postgresql.conf", text, owner=service.owner)
    write(service.home / "pg_hba.conf", HBA, owner=service.owner)


def conf(service):
    other = service.lab.service(OTHER[service.name])
    return CONF.format(
        name=service.name,
        port=service.port,
        other_port=other.port,
        slot=SLOT[service.name],
        wal=service.lab.dir / "wal",
        passfile=service.home.parent / "pgpass",
    )


def ready(service):
    """postmaster.pid of this very start says that connections are taken."""
    with contextlib.suppress(FileNotFoundError):
        lines = (service.home / "postmaster.pid").read_text().split("\n")
        return len(lines) > 7 and int(lines[0]) == service.last_run()["pid"] and lines[7].strip() == "ready"


def forget_dead(service):
    """Removes the lock of a server that is gone: while its zombie waits to be reaped, PostgreSQL takes it for alive."""
    if not service.processes():
        (service.home / "postmaster.pid").unlink(missing_ok=True)


def start(service):
    forget_dead(service)
    configure(service)
    service.launch([psql.program("postgres"), "-D", service.home])
    service.wait_ready(lambda: ready(service))


def create(lab):
    """Both servers from nothing, until the standby streams and has replayed all."""
    east, west = lab.service("pg-east"), lab.service("pg-west")
    password_file = lab.dir / "pg-east" / "password"
    write(password_file, lab.secret("pg-admin"), owner=lab.postgres)
    run(east, ["initdb", "-D", east.home, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password_file,
               "-E", "UTF8", "--locale", "C.UTF-8", "-k", "--no-sync", "--no-instructions"])  # fmt: skip
    password_file.unlink()
    start(east)
    passwords = {"replication": "pg-replication", "app": "pg-app", "warroom": "pg"}
    roles = ROLES.format(**{role: lab.secret(file) for role, file in passwords.items()})
    sql(lab, "pg-east", roles + GRANTS, dbname="template1")
    sql(lab, "pg-east", "CREATE DATABASE app OWNER app;\n" + GRANTS, dbname="postgres")
    sql(lab, "pg-east", "BEGIN;" + TABLES + "COMMIT;", user="app")
    # So that autovacuum has nothing to do later: an idle primary is silent.
    for dbname in ("app", "postgres", "template1"):
        sql(lab, "pg-east", "VACUUM (ANALYZE, FREEZE); VACUUM (FREEZE) pg_statistic;", dbname=dbname)
    base_backup(west, east)
    write(west.home / "standby.signal", "", owner=west.owner)
    start(west)
    sql(lab, "pg-west", "SELECT pg_create_physical_replication_slot('pg_east');", dbname="postgres")
    wait_streaming(lab, west)


def base_backup(service, primary):
    run(service, ["pg_basebackup", "-D", service.home, "-h", "127.0.0.1", "-p", primary.port, "-U", "replicator",
                  "-c", "fast", "-X", "stream", "--no-sync"])  # fmt: skip


def copy(lab):
    """Keeps the primary's storage as it is now, and serves it. The port is the primary's: the lab holds it already."""
    lab.names.append(COPY)
    lab.ports[COPY] = lab.ports["pg-east"]
    lab.save()
    base_backup(lab.service(COPY), lab.service("pg-east"))
    start(lab.service(COPY))
    print(f"a copy of pg-east as it is now answers at {COPY_ADDRESS}:{lab.ports[COPY]}")


def wait_streaming(lab, standby):
    question = (
        "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()"
        f" AND application_name = '{standby.name}';"
    )
    primary = psql.Session(conninfo(lab, OTHER[standby.name]), pgpass(lab))
    try:
        wait_for(f"{standby.name} did not stream and catch up", 30, lambda: primary.ask(question, 3), every=0.1)
    except LabError as error:
        raise LabError(str(error), standby.log)
    finally:
        primary.close()


def stop(service, seconds=15):
    """A clean stop (fast: sessions are ended)."""
    service.signal(signal.SIGINT, everyone=False)
    wait_for(f"{service.name} did not stop", seconds, lambda: not service.processes())


def disable(service):
    """Makes the server itself refuse to start, until `enable`."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(service.home / VERSION, service.home / FENCED_VERSION)


def enable(service):
    with contextlib.suppress(FileNotFoundError):
        os.rename(service.home / FENCED_VERSION, service.home / VERSION)


def disabled(service):
    return not (service.home / VERSION).exists()


def run_noted(service):
    """Whether the last start was the lab's own: a start by hand writes `postmaster.opts` anew."""
    with contextlib.suppress(FileNotFoundError, KeyError):
        return (service.home / "postmaster.opts").stat().st_mtime < service.last_run()["died"]
    return False


def rejoin(service):
    """Makes a stopped server a standby of the other one, which has been promoted."""
    primary = service.lab.service(OTHER[service.name])
    # Straight after a promotion pg_rewind would find the old timeline in the control file and do nothing (LAB.md).
    sql(service.lab, primary.name, "CHECKPOINT;", dbname="postgres")
    forget_dead(service)
    source = conninfo(service.lab, primary.name, dbname="postgres")
    run(service, ["pg_rewind", "--no-sync", "--target-pgdata", service.home, "--source-server", source])
    write(service.home / "standby.signal", "", owner=service.owner)
    start(service)
    wait_streaming(service.lab, service)
