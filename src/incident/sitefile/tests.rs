use std::path::PathBuf;
use std::time::Duration;

use super::super::site::{Rhythm, RungFrom, SecretRef, Tls};
use super::*;

fn read(text: &str) -> (Option<Site>, Vec<String>) {
    let (site, faults) = parse("site.toml", text, Path::new("/etc/warroom"));
    (site, faults.iter().map(ToString::to_string).collect())
}

fn whole(text: &str) -> Site {
    let (site, faults) = read(text);
    assert_eq!(faults, Vec::<String>::new());
    site.unwrap()
}

/// The least a target needs.
const LEAST: &str =
    "name = \"x\"\n[targets.pg]\nsystem = \"postgres\"\nhost = \"db\"\nuser = \"u\"\n";

#[test]
fn the_sample_equals_the_defaults() {
    let spelled_out: String = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(default) if !default.is_empty() && !default.starts_with(' ') => {
                format!("{default}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let (left_out, mut spelled_out) = (whole(SAMPLE), whole(&spelled_out));
    assert_ne!(left_out.digest, spelled_out.digest);
    spelled_out.digest.clone_from(&left_out.digest);
    assert_eq!(left_out, spelled_out);
    let empty = Site::empty();
    assert_eq!(left_out.severities, empty.severities);
    assert_eq!(left_out.ladder, empty.ladder);
    assert_eq!(left_out.categories, empty.categories);
}

#[test]
fn the_sample_names_every_key() {
    let known = [
        "name",
        "theme",
        "keymap",
        "state_dir",
        "runbooks",
        "categories",
        "rto",
        "rpo",
        "id",
        "title",
        "response",
        "after",
        "from",
        "severities",
        "who",
        "what",
        "channel",
        "every",
        "role",
        "reach",
        "system",
        "region",
        "interval",
        "timeout",
        "failures",
        "drill",
        "run",
        "proof",
        "undo",
        "host",
        "port",
        "user",
        "dbname",
        "password",
        "tls",
        "heartbeat",
        "db",
        "nodes",
        "master",
        "url",
        "status",
        "field",
        "equals",
        "bearer",
        "path",
        "pattern",
        "context",
        "kubeconfig",
        "namespace",
        "workload",
        "instance",
        "aws_region",
        "profile",
        "endpoint",
        "zone",
        "record",
        "sets",
        "consumers",
        "generate",
        "watch",
        "breach",
        "resolvers",
        "points_to",
        "ttl_under",
        "query",
        "filter",
        "members",
        "socket",
        "project",
        "service",
        "stanza",
        "server",
        "branch",
        "metric",
        "labels",
        "bucket",
        "prefix",
        "cluster",
        "schedule",
        "application",
        "group",
        "repository",
        "tag",
        "checksum",
        "proof",
        "wal_segment",
        "verify",
        "global",
        "to",
        "target",
        "gate",
        "gate_bytes",
        "of",
        "younger",
        "size_change",
        "restore_test",
        "intended",
        "kind",
        "months",
        "live",
        "takes",
        "owner",
    ];
    for key in known {
        let shown = |line: &str| {
            line.trim_start_matches(['#', ' '])
                .starts_with(&format!("{key} = "))
        };
        assert!(SAMPLE.lines().any(shown), "{key}");
    }
}

#[test]
fn the_sample_is_read_as_it_says() {
    let site = whole(SAMPLE);
    let ids: Vec<&str> = site
        .targets
        .iter()
        .map(|target| target.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "pg-east",
            "pg-west",
            "cache-east",
            "cache-west",
            "sentinel",
            "api",
            "dumps",
            "web-east",
            "orders-db",
            "public",
            "api-keys",
            "smtp",
            "certificate",
            "name",
            "error-rate",
            "alerts",
            "etcd",
            "vault",
            "compose",
            "pooler",
            "raid",
            "pgbackrest",
            "barman",
            "configuration",
            "job",
            "objects",
            "pg-cluster",
            "velero",
            "application",
            "tasks",
            "orders-global",
            "sessions",
            "alarms",
            "image"
        ]
    );
    let Endpoint::Postgres(pg) = &site.targets[0].endpoint else {
        panic!("{:?}", site.targets[0].endpoint);
    };
    assert_eq!(pg.password, Some(SecretRef::Env("PG_EAST_PASSWORD".into())));
    assert_eq!(
        (pg.port, pg.tls, pg.dbname.as_str()),
        (5432, Tls::Verify, "postgres")
    );
    let fence = site.targets[0].fence.as_ref().unwrap();
    assert_eq!(fence.run, ["/etc/warroom/./fence.sh", "stop", "db-east"]);
    let Endpoint::Sentinel(sentinel) = &site.targets[4].endpoint else {
        panic!("{:?}", site.targets[4].endpoint);
    };
    assert_eq!(sentinel.nodes[0], "s1.example.net:26379");
    let Endpoint::Dns(public) = &site.targets[9].endpoint else {
        panic!("{:?}", site.targets[9].endpoint);
    };
    assert_eq!(public.account.region, "us-east-1");
    assert_eq!(public.sets["green"].as_str(), "us-west-2");
    let control_plane = &site.targets[8];
    assert_eq!(control_plane.interval, Duration::from_secs(15));
    assert_eq!(control_plane.timeout, Duration::from_secs(10));
    assert_eq!(site.links[0].gate_bytes, Some(64_000_000));
    assert!(!site.backups[1].intended);
    let quarterly = ["feb", "may", "aug", "nov"].map(|month| month.parse().unwrap());
    assert_eq!(site.drills[1].rhythm, Rhythm::Months(quarterly.into()));
    assert!(site.drills[0].live && !site.drills[1].live);
    assert_eq!(site.digest.len(), 64);
}

#[test]
fn what_is_not_given_has_its_default() {
    let site = whole(LEAST);
    let target = &site.targets[0];
    assert_eq!(
        (target.interval, target.timeout, target.failures),
        (defaults::INTERVAL, defaults::TIMEOUT, 3)
    );
    assert_eq!(
        (site.theme.as_str(), site.keymap.as_str(), site.state_dir),
        ("default", "default", None)
    );
    // A default never breaks a rule that the file keeps.
    let fast = whole(&format!("{LEAST}interval = \"100ms\"\n"));
    assert_eq!(fast.targets[0].timeout, Duration::from_secs(1));
    assert_eq!(whole("name = \"x\"\nladder = []\n").ladder, []);
}

#[test]
fn the_default_ladder_follows_the_sites_own_severities() {
    let text = "name = \"x\"\n[[severities]]\nid = \"P1\"\ntitle = \"a\"\n[[severities]]\nid = \"P2\"\ntitle = \"b\"\n\
                [[severities]]\nid = \"P3\"\ntitle = \"c\"\n";
    let site = whole(text);
    let told: Vec<(&str, String)> = site
        .ladder
        .iter()
        .map(|rung| {
            (
                rung.key.as_str(),
                rung.severities
                    .iter()
                    .map(|s| s.0.clone())
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        })
        .collect();
    let expected = [
        ("on-call-engineer@0m", ""),
        ("on-call-engineer@5m", ""),
        ("incident-commander@10m", "P1 P2"),
        ("engineering-lead@15m", "P1 P2"),
        ("executive-team@30m", "P1"),
        ("all-customers@30m", ""),
        ("all-customers@1h", ""),
    ];
    assert_eq!(
        told,
        expected.map(|(key, severities)| (key, severities.to_owned()))
    );
}

#[test]
fn rungs_that_meet_keep_keys_of_their_own() {
    let rung =
        |more: &str| format!("[[ladder]]\nwho = \"VP Engineering\"\nafter = \"30m\"\n{more}\n");
    let text = [
        "name = \"x\"\n".to_owned(),
        rung("what = \"notify\"\nseverities = [\"SEV-1\"]\nchannel = \"phone\""),
        rung("what = \"notify\"\nseverities = [\"SEV-2\"]\nchannel = \"Slack\""),
        rung("what = \"notify\"\nseverities = [\"SEV-3\"]\nfrom = \"resolution\""),
        rung("what = \"notify\"\nseverities = [\"SEV-3\"]"),
    ];
    let site = whole(&text.concat());
    let keys: Vec<&str> = site.ladder.iter().map(|rung| rung.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "vp-engineering@30m.notify.sev-1",
            "vp-engineering@30m.notify.sev-2",
            "vp-engineering@30m.notify.sev-3.resolution",
            "vp-engineering@30m.notify.sev-3.declaration",
        ]
    );
    assert_eq!(site.ladder[2].from, RungFrom::Resolution);
}

#[test]
fn relative_paths_start_at_the_site_files_folder() {
    let text = "name = \"x\"\nstate_dir = \"state\"\nrunbooks = \"/srv/runbooks\"\n[targets.f]\nsystem = \"files\"\npath = \"../b\"\n";
    let site = whole(text);
    assert_eq!(site.state_dir, Some(PathBuf::from("/etc/warroom/state")));
    assert_eq!(site.runbooks, Some(PathBuf::from("/srv/runbooks")));
    assert_eq!(site.targets[0].endpoint.place(), "/etc/warroom/../b");
}

#[test]
fn programs_get_the_place_and_never_the_secret() {
    let site = whole(SAMPLE);
    let libpq = |name: &str| name.starts_with("PG");
    let told = site.targets.iter().flat_map(tool_env);
    for (name, _) in told.filter(|(name, _)| !libpq(name)) {
        assert!(TOOL_NAMES.contains(&name.as_str()), "{name} is not told of");
    }
    let shown: Vec<String> = site
        .targets
        .iter()
        .map(|target| {
            let env: Vec<String> = tool_env(target)
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            env.join(" ")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "PGHOST=db-east.example.net PGPORT=5432 PGUSER=warroom PGDATABASE=postgres PGSSLMODE=verify-full \
             PGSSLROOTCERT=system PGAPPNAME=warroom",
            "PGHOST=db-west.example.net PGPORT=5432 PGUSER=warroom PGDATABASE=postgres PGSSLMODE=verify-full \
             PGSSLROOTCERT=system",
            "REDIS_HOST=cache-east.example.net REDIS_PORT=6379 REDIS_USER=warroom REDIS_DB=0",
            "REDIS_HOST=cache-west.example.net REDIS_PORT=6379 REDIS_USER=default REDIS_DB=0",
            "SENTINEL_NODES=s1.example.net:26379,s2.example.net:26379,s3.example.net:26379 SENTINEL_MASTER=cache",
            "HEALTH_URL=https://api.example.net/health",
            "BACKUP_DIR=/var/backups/app BACKUP_PATTERN=*.dump",
            "KUBE_CONTEXT=east KUBE_NAMESPACE=default KUBE_WORKLOAD=deployment/web KUBECONFIG=/etc/warroom/kubeconfig",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_PROFILE=incident RDS_INSTANCE=orders",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL=https://route53.example.net \
             HOSTED_ZONE=Z0123456789",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 SECRET_NAME=app/api-keys",
            // What is only asked here has no place that a program would be told.
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "PGHOST=pooler.example.net PGPORT=6432 PGUSER=warroom PGDATABASE=pgbouncer PGSSLMODE=verify-full \
             PGSSLROOTCERT=system",
            "",
            "",
            "",
            "",
            "",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 S3_BUCKET=example-backups S3_PREFIX=db/",
            "KUBE_CONTEXT=east KUBE_NAMESPACE=default CNPG_CLUSTER=pg",
            "KUBE_CONTEXT=east KUBE_NAMESPACE=velero",
            "KUBE_CONTEXT=east KUBE_NAMESPACE=argocd",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 ECS_CLUSTER=production ECS_SERVICE=web",
            "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1",
            "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1",
            "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2",
        ]
    );
    // What the site says itself wins.
    let own = whole(&format!("{LEAST}env = {{ PGSSLMODE = \"verify-ca\" }}\n"));
    let modes: Vec<(String, String)> = tool_env(&own.targets[0])
        .into_iter()
        .filter(|(name, _)| name == "PGSSLMODE")
        .collect();
    assert_eq!(modes, [("PGSSLMODE".to_owned(), "verify-ca".to_owned())]);
}

#[test]
fn a_warning_leaves_the_site_usable() {
    let (site, faults) = read(&format!("{LEAST}tls = \"off\"\n"));
    assert!(site.is_some());
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].contains("warning: target pg: TLS is off"),
        "{faults:?}"
    );
    for local in ["127.0.0.1", "::1", "localhost", "/run/postgresql"] {
        whole(&LEAST.replace("\"db\"", &format!("\"{local}\"\ntls = \"off\"")));
    }
}

#[test]
fn no_text_makes_the_reader_fail_otherwise_than_by_faults() {
    for cut in (0..SAMPLE.len()).filter(|cut| SAMPLE.is_char_boundary(*cut)) {
        let _ = read(&SAMPLE[..cut]);
    }
    for text in [
        "",
        "\u{0}",
        "name",
        "[targets]\nx = 1\n",
        "targets = 3\nlinks = []\nladder = 1\nname = 2\n",
    ] {
        let (site, faults) = read(text);
        assert!(site.is_none() && !faults.is_empty(), "{text:?}");
    }
}
