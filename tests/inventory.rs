//! Every system that the disaster-recovery documents name (rows A-01 to A-64 of their inventory): which folder sees it, which act
//! works on it, which test shows that; or why it is a link, a command or a checklist's item and no more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

use warroom::incident::runbook::{System, parse};

use How::{By, Only};

/// How a row is covered.
enum How {
    /// Seen by these folders of `src/systems`, acted upon by these acts, shown by these tests.
    By(
        &'static [&'static str],
        &'static [&'static str],
        &'static [&'static str],
    ),
    /// A link, a command or an item, and why.
    Only(&'static str),
}

const PROMOTE: &str = "postgres.promote = { target = \"x\" }";
const RDS: &str = "rds.failover = { target = \"x\" }";
const FAILOVER: &str = "redis.failover = { target = \"x\" }";
const SAVE: &str = "redis.save = { target = \"x\" }";
const SCALE: &str = "kube.scale = { target = \"x\", replicas = 1 }";
const POD: &str = "kube.delete_pod = { target = \"x\", pod = \"p\" }";
const SHIFT: &str = "route53.shift = { target = \"x\", to = \"r\", percent = 1 }";
const ROTATE: &str = "secrets.rotate = { target = \"x\" }";
const HTTP: &str = "health_and_backups_of_the_lab";
const PORT: &str = "a_port_is_open_refused_or_silent";
const PLUGIN: &str = "a_programs_exit_is_its_verdict_and_its_first_line_says_why";
const ENGINE: &str = "containers_are_counted_by_what_the_engine_says_of_them";
const TOOLS: &str = "backups_by_pgbackrest_and_barman_are_found_when_they_are_whole";
const OBJECTS: &str = "objects_alarms_and_images_are_seen";
const WORKLOAD: &str = "a_workload_and_a_cluster_are_seen_as_they_are";
const RECORD: &str = "weights_are_shifted_for_every_type_and_put_back";

#[rustfmt::skip]
const TABLE: &[(u8, &str, How)] = &[
    (1, "PostgreSQL, streaming", By(&["postgres"], &[PROMOTE], &["a_failover_from_the_first_silence_to_swapped_roles"])),
    (2, "CloudNativePG", By(&["cnpg"], &["cnpg.promote = { target = \"x\", instance = \"i\" }"], &["a_cluster_is_seen_and_promoted_by_its_status"])),
    (3, "RDS Multi-AZ", By(&["rds"], &[RDS], &["a_failover_is_done_when_the_instance_is_in_another_zone"])),
    (4, "RDS and its snapshots", By(&["rds"], &["rds.restore_to_time = { target = \"x\", time = \"t\", as = \"n\" }"], &["a_snapshot_is_waited_for_and_restored_beside_the_instance"])),
    (5, "PostgreSQL container", By(&["docker", "postgres"], &[], &[ENGINE])),
    (6, "PostgreSQL StatefulSet", By(&["kubernetes"], &[POD], &["a_stateful_set_is_undone_too_and_a_pod_of_it_replaced"])),
    (7, "PostgreSQL hosts", By(&["postgres"], &["postgres.revoke_writes = { target = \"x\", database = \"d\", role = \"r\" }"], &["faults_say_what_to_do_and_acts_say_what_they_did"])),
    (8, "WAL archive", By(&["files", "pgbackrest", "s3"], &[], &[TOOLS, OBJECTS])),
    (9, "dump files", By(&["files"], &[], &["health_and_backups_of_the_lab"])),
    (10, "validation database", Only("made and dropped within a runbook's own step by pg_restore and psql")),
    (11, "events in TimescaleDB", Only("rows of PostgreSQL: `row_counts` asks for them")),
    (12, "Redis, cross-region", By(&["redis"], &[SAVE], &["both_sides_are_seen_and_changed"])),
    (13, "Redis Sentinel", By(&["sentinel"], &[FAILOVER], &["sentinels_fail_over_and_tell_of_the_dead"])),
    (14, "Redis Sentinel in Kubernetes", By(&["sentinel", "kubernetes"], &[FAILOVER], &[WORKLOAD])),
    (15, "Redis StatefulSet", By(&["kubernetes", "redis"], &[SCALE], &["a_stateful_set_is_undone_too_and_a_pod_of_it_replaced"])),
    (16, "Redis container", By(&["docker", "redis"], &[SAVE], &[ENGINE])),
    (17, "ElastiCache", By(&["elasticache"], &["elasticache.failover = { target = \"x\", shard = \"1\" }"], &["a_shard_is_failed_over_to_its_replica"])),
    (18, "object storage, synchronised", By(&["s3"], &[], &[OBJECTS])),
    (19, "S3 buckets", By(&["s3"], &[], &[OBJECTS])),
    (20, "GCS bucket", By(&["command"], &[], &[PLUGIN])),
    (21, "Vault", By(&["vault"], &[], &["a_vault_says_sealed_by_a_status_of_its_own"])),
    (22, "Secrets Manager", By(&["secrets"], &[ROTATE], &["a_secret_is_rotated_and_the_version_before_taken_away"])),
    (23, "encryption of backups", Only("gpg and openssl in a step; what a file must be is its checksum, which `files` compares")),
    (24, "Kubernetes clusters", By(&["kubernetes"], &["kube.cordon = { target = \"x\", node = \"n\" }"], &["a_node_that_falls_silent_is_not_ready_and_comes_back"])),
    (25, "deployments", By(&["kubernetes"], &[SCALE, "kube.undo = { target = \"x\" }"], &["a_release_is_undone_to_the_revision_before_or_to_any"])),
    (26, "spread over zones", By(&["kubernetes"], &[], &["a_node_that_falls_silent_is_not_ready_and_comes_back"])),
    (27, "volumes and StatefulSets", By(&["kubernetes"], &[POD], &["a_stateful_set_is_undone_too_and_a_pod_of_it_replaced"])),
    (28, "etcd", By(&["etcd"], &[], &["a_cluster_without_quorum_is_wrong_and_one_member_less_is_watched"])),
    (29, "Velero", By(&["velero"], &["velero.restore = { target = \"x\", backup = \"b\", as = \"r\" }"], &["backups_of_a_schedule_are_counted_made_and_restored"])),
    (30, "Argo CD", By(&["argocd"], &["argocd.sync = { target = \"x\" }"], &["an_application_is_judged_by_health_and_sync_and_synced_once_at_a_time"])),
    (31, "Terraform", By(&["command"], &[], &[PLUGIN])),
    (32, "Git repositories", By(&["git"], &[], &["the_last_commit_and_the_last_success_are_backups_too"])),
    (33, "compose host", By(&["docker"], &[], &[ENGINE])),
    (34, "network and firewall of a host", By(&["tcp", "dns", "command"], &[], &[PORT, "resolvers_are_asked_one_by_one_and_must_agree"])),
    (35, "ECS", By(&["ecs"], &["ecs.redeploy = { target = \"x\" }"], &["a_service_is_scaled_redeployed_and_put_back"])),
    (36, "ECR", By(&["ecr"], &[], &[OBJECTS])),
    (37, "load balancers", By(&["http", "cloudwatch"], &[], &[HTTP, OBJECTS])),
    (38, "Route 53", By(&["route53"], &[SHIFT], &[RECORD])),
    (39, "CloudFlare's pools", By(&["http"], &[], &[HTTP])),
    (40, "DNS by hand", By(&["dns"], &[], &["resolvers_are_asked_one_by_one_and_must_agree"])),
    (41, "health endpoints", By(&["http"], &[], &[HTTP])),
    (42, "admin endpoints", Only("an ```http fence of a runbook calls them, confirmed like any act")),
    (43, "WebSocket service", By(&["tcp"], &[], &[PORT])),
    (44, "authentication", By(&["http", "secrets"], &[ROTATE], &[HTTP])),
    (45, "jobs and workers", By(&["kubernetes", "ecs", "metrics"], &[SCALE], &[WORKLOAD])),
    (46, "vector index", By(&["http"], &["kube.set_env = { target = \"x\", name = \"N\", value = \"v\" }"], &["replicas_and_environment_are_set_and_the_controller_has_seen_it"])),
    (47, "migration tool", Only("the application's own program, run in a step")),
    (48, "erasure register", Only("fetched by an ```sh or ```http fence that fails closed: see the gdpr-restore runbook")),
    (49, "AI providers", By(&["http"], &["kube.set_env = { target = \"x\", name = \"N\", value = \"v\" }"], &[HTTP])),
    (50, "circuit breakers, autoscaler", By(&["prometheus"], &[], &["a_query_is_held_against_its_limits_and_no_data_is_no_answer"])),
    (51, "CloudWatch", By(&["cloudwatch"], &[], &[OBJECTS])),
    (52, "Prometheus and Pushgateway", By(&["prometheus", "metrics", "alertmanager"], &[], &["alerts_count_when_they_are_active_and_nobody_silenced_them"])),
    (53, "Grafana", Only("a link in a step's prose")),
    (54, "log aggregator", Only("a link in a step's prose")),
    (55, "PagerDuty", Only("a person pages; the ladder says whom and when")),
    (56, "Slack and Zoom", Only("a step's ```sh or ```http fence, confirmed; nothing sends itself")),
    (57, "status page", Only("a step's ```http fence, confirmed")),
    (58, "e-mail and phone", Only("a person; the contacts say whom")),
    (59, "tickets and filings", Only("action items stand in the post-mortem")),
    (60, "regions and zones of AWS", By(&["http", "cloudwatch"], &[], &[HTTP])),
    (61, "helper scripts", By(&["command"], &[], &[PLUGIN])),
    (62, "cron", By(&["metrics"], &[], &["the_last_commit_and_the_last_success_are_backups_too"])),
    (63, "cost of standing by", Only("a figure for people, nothing to be seen")),
    (64, "linked documents", Only("links in prose")),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of every test program.
fn tests(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&tests(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    text
}

#[test]
fn every_system_of_the_documents_is_seen_or_says_why_it_is_not() {
    let numbers: Vec<u8> = TABLE.iter().map(|(number, _, _)| *number).collect();
    assert_eq!(numbers, (1..=64).collect::<Vec<u8>>());
    let all = tests(&root().join("tests"));
    let mut wrong = Vec::new();
    for (number, what, how) in TABLE {
        let (folders, acts, shown) = match how {
            By(folders, acts, shown) => (folders, acts, shown),
            Only(why) => {
                assert!(!why.is_empty(), "A-{number:02} {what}");
                continue;
            }
        };
        assert!(
            !folders.is_empty() && !shown.is_empty(),
            "A-{number:02} {what}"
        );
        for folder in *folders {
            let known = System::named(folder).is_some();
            if !known
                || !root()
                    .join("src/systems")
                    .join(folder)
                    .join("mod.rs")
                    .exists()
            {
                wrong.push(format!("A-{number:02} {what}: no system {folder}"));
            }
        }
        for act in *acts {
            let text = format!("# R\n\n## S {{#s}}\n\n```toml\n{act}\n```\n");
            let (runbook, faults) = parse("r.md", &text, "r".into());
            if runbook.is_none() || !faults.is_empty() {
                wrong.push(format!("A-{number:02} {what}: {faults:?}"));
            }
        }
        for test in *shown {
            if !all.contains(&format!("fn {test}()")) {
                wrong.push(format!("A-{number:02} {what}: no test {test}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
