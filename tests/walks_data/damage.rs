//! What is wrong in a database that serves: queries that block, an index that lies, a migration that has to go.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use serde_json::Value;

use crate::common::pg::session;
use crate::company::{Company, migrate};
use crate::kube::cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_that_blocks_is_ended_and_no_other() {
    let company = Company::up("");
    let holder = session(&company.lab, "pg-east", "app", "app").await;
    let waiting = session(&company.lab, "pg-east", "app", "app").await;
    let bystander = session(&company.lab, "pg-east", "app", "app").await;
    holder
        .batch_execute("BEGIN; LOCK TABLE debates")
        .await
        .unwrap();
    let queued = tokio::spawn(async move { waiting.batch_execute("SELECT FROM debates").await });
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("ROLE", "app"),
        ("HEALTH", "shop"),
    ];
    let ways = [("way", "End the session that blocks")];
    let mut walker = company.walker("Requests time out");
    let walked = walker.walks("stuck-queries", &values, &ways);
    let way = [
        "connections",
        "list",
        "blockers",
        "way",
        "end",
        "after",
        "close-hole",
    ];
    assert_eq!(walked.steps("stuck-queries"), way);
    assert_eq!(
        walked.kept("stuck-queries", "PIDS"),
        "none",
        "nothing ran for minutes"
    );
    assert!(holder.batch_execute("COMMIT").await.is_err());
    queued.await.unwrap().unwrap();
    bystander.batch_execute("SELECT 1").await.unwrap();
}

/// Writes into the middle of an index's file what no index holds, while its server is down.
async fn harms_an_index(company: &Company) {
    let admin = company.admin("pg-east", "app").await;
    let asked = "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('debates_customer')";
    let file: String = admin.query_one(asked, &[]).await.unwrap().get(0);
    company.lab.cmd(&["stop", "pg-east"]);
    let index = OpenOptions::new().write(true).open(file).unwrap();
    // Keys of the second page lie at its end.
    index.write_all_at(&[0x7f; 256], 2 * 8_192 - 512).unwrap();
    company.lab.cmd(&["start", "pg-east"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_index_is_found_kept_and_built_anew() {
    let company = Company::up("");
    harms_an_index(&company).await;
    let folder = company.copy("");
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("APP_ROLE", "app"),
        ("SAFE_FOLDER", &folder),
        ("TABLE", "public.debates"),
        ("TARGET_TIME", "2026-11-21T14:00:00Z"),
        ("INTEGRITY", "shop"),
        ("HEALTH", "shop"),
    ];
    let ways = [
        ("amcheck", "go to Stop the writers"),
        ("scope", "Indexes of one table only"),
        ("integrity", "ok"),
    ];
    let walked = company
        .walker("Answers that can't be")
        .walks("data-corruption", &values, &ways);
    let way = [
        "symptoms",
        "checksums",
        "amcheck",
        "stop-writes",
        "end-sessions",
        "copy",
        "scope",
        "reindex",
        "analyze",
        "open",
        "integrity",
        "health",
        "close",
    ];
    assert_eq!(walked.steps("data-corruption"), way);
    let kept = walked.kept("data-corruption", "SAFE");
    assert!(
        std::path::Path::new(kept).join("PG_VERSION").exists(),
        "{kept}"
    );
    let admin = company.admin("pg-east", "app").await;
    admin
        .execute("SELECT bt_index_check('debates_customer', true)", &[])
        .await
        .unwrap();
    let app = session(&company.lab, "pg-east", "app", "app").await;
    app.batch_execute("INSERT INTO heartbeat VALUES (now())")
        .await
        .unwrap();
}

/// A workload of the company in a namespace, as a target of its site.
pub fn workloads(namespace: &str) -> String {
    let kube = cluster();
    kube.web(namespace);
    kube.kubectl(&[
        "-n",
        namespace,
        "create",
        "deployment",
        "workers",
        "--image=workers:1",
        "--replicas=2",
    ]);
    kube.kubectl(&[
        "-n",
        namespace,
        "rollout",
        "status",
        "deployment/workers",
        "--timeout=60s",
    ]);
    let target = |name: &str| {
        format!(
            "\n[targets.{name}]\nsystem = \"kubernetes\"\ncontext = \"lab\"\nkubeconfig = \"{}\"\nnamespace = \"{namespace}\"\nworkload = \"deployment/{name}\"\n",
            kube.config("admin")
        )
    };
    target("web") + &target("workers")
}

/// A deployment of the cluster as kubectl reads it.
pub fn deployment(namespace: &str, name: &str) -> Value {
    cluster().read(&format!(
        "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_is_taken_back_behind_a_backup() {
    let company = Company::up(&workloads("migration"));
    let admin = company.admin("pg-east", "app").await;
    admin
        .batch_execute(
            "CREATE TABLE schema_version (version text NOT NULL); INSERT INTO schema_version VALUES ('2026.2');
             ALTER TABLE customers ADD COLUMN tier text",
        )
        .await
        .unwrap();
    let (folder, program) = (company.copy(""), migrate());
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("MIGRATE", program.as_str()),
        ("TARGET_VERSION", "2026.1"),
        ("TYPED_VERSION", "2026.1"),
        ("SAFE_FOLDER", &folder),
        ("API", "web"),
        ("WORKERS", "workers"),
        ("SWITCH", "MAINTENANCE"),
        ("HEALTH", "shop"),
    ];
    let walked =
        company
            .walker("The release broke the service")
            .walks("migration-rollback", &values, &[]);
    let way = [
        "versions",
        "agree",
        "pause-api",
        "pause-workers",
        "backup",
        "downgrade",
        "validate",
        "release",
        "resume-workers",
        "resume-api",
        "watch",
    ];
    assert_eq!(walked.steps("migration-rollback"), way);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'customers' AND column_name = 'tier'";
    assert_eq!(company.number("pg-east", "app", columns).await, 0);
    assert!(std::path::Path::new(walked.kept("migration-rollback", "SAFE")).exists());
    for name in ["web", "workers"] {
        let env =
            &deployment("migration", name)["spec"]["template"]["spec"]["containers"][0]["env"];
        assert_eq!(env[0]["name"], "MAINTENANCE");
        assert_eq!(env[0]["value"], "false");
    }
}
