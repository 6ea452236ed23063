//! Built-in runbooks about data, each walked at the real console to its end on real servers, and what became of the world asked
//! by other clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::lab::Lab;
use common::pg::session;
use common::through::Walker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_that_blocks_is_ended_and_no_other() {
    let lab = Lab::up();
    let holder = session(&lab, "pg-east", "app", "app").await;
    let waiting = session(&lab, "pg-east", "app", "app").await;
    holder
        .batch_execute("BEGIN; LOCK TABLE debates")
        .await
        .unwrap();
    let queued =
        tokio::spawn(async move { waiting.batch_execute("SELECT 1 FROM debates LIMIT 1").await });
    let site = lab.path("site.toml");
    let mut walker = Walker::declares(&lab.path("home"), &site, "Requests time out");
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("ROLE", "app"),
        ("HEALTH", "api-east"),
    ];
    let ways = [("way", "End the session that blocks")];
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
    assert!(holder.batch_execute("COMMIT").await.is_err());
    queued.await.unwrap().unwrap();
}
