//! Redis and its Sentinels, seen and changed for real.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml's leave for tests does not reach helpers of test files"
)]

#[path = "common/between.rs"]
#[allow(dead_code, reason = "the tests of PostgreSQL cut everything, too")]
mod between;
mod eyes_lab;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use between::{Cut, between};
use eyes_lab::{Lab, failure, look, now, target, until};
use warroom::incident::acts::redis::{
    RedisAct, RedisCondition, RedisRole, RedisSight, RoleWord, SentinelSight,
};
use warroom::incident::acts::{Act, Condition};
use warroom::incident::evaluate;
use warroom::incident::guards;
use warroom::incident::names::TargetId;
use warroom::incident::reading::{FailureKind, Holds, Outcome, Sight};
use warroom::incident::site::{Endpoint, RedisEndpoint, SecretRef, Site, Tls};
use warroom::systems::redis::Redis;
use warroom::systems::sentinel::Sentinel;
use warroom::systems::{Output, Shared, discover, registry};
use warroom::world::judging::Judge;

type Systems = BTreeMap<TargetId, Shared>;

fn redis_of(sight: &Sight) -> &RedisSight {
    match sight {
        Sight::Redis(sight) => sight,
        other => panic!("no Redis: {other:?}"),
    }
}

fn sentinel_of(sight: &Sight) -> &SentinelSight {
    match sight {
        Sight::Sentinel(sight) => sight,
        other => panic!("no Sentinel: {other:?}"),
    }
}

fn is_master(sight: &Sight) -> bool {
    matches!(redis_of(sight).role, RedisRole::Master { .. })
}

async fn perform(systems: &Systems, act: RedisAct) -> (Outcome, Vec<String>) {
    let (out, mut lines) = Output::new();
    let system = &systems[act.target()];
    let outcome = system.perform(&Act::Redis(act), &out).await;
    drop(out);
    let mut said = vec![];
    while let Some(line) = lines.recv().await {
        said.push(line.to_string());
    }
    (outcome, said)
}

/// What redis-cli says, which shares nothing with warroom.
fn cli(lab: &Lab, server: &str, words: &[&str]) -> String {
    let password = std::fs::read_to_string(lab.path("secrets/redis")).unwrap();
    let mut cli = Command::new("redis-cli");
    if !server.starts_with("sentinel") {
        cli.env("REDISCLI_AUTH", password.trim());
    }
    cli.args(["-p", &lab.port(server).to_string()]).args(words);
    let said = cli.output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// Its role as redis-cli reads it: `master`, `slave`.
fn role_of(lab: &Lab, server: &str) -> String {
    let said = cli(lab, server, &["ROLE"]);
    said.lines().next().unwrap_or_default().to_owned()
}

fn done(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Done { said } => said.as_str(),
        other => panic!("not done: {other:?}"),
    }
}

/// The guards of a failover that refuse, judged on the servers as they are now.
async fn refusals(site: &Site, systems: &Systems) -> Vec<String> {
    let systems = warroom::world::Systems::real(systems.clone());
    let judge = Judge::plain(site, &systems);
    let guards = judge.sentinel_failover(&"sentinel".into()).await;
    let red = guards::refuses(&guards).into_iter();
    red.map(|guard| guard.name.clone()).collect()
}

async fn holds(systems: &Systems, of: &str, condition: RedisCondition) -> Holds {
    let condition = Condition::Redis(condition);
    systems[&of.into()].holds(&condition).await.unwrap().holds
}

fn master_is(target: &str) -> RedisCondition {
    RedisCondition::MasterIs {
        of: "sentinel".into(),
        target: target.into(),
    }
}

fn is(of: &str, is: RoleWord) -> RedisCondition {
    let of = of.into();
    RedisCondition::Role { of, is }
}

#[tokio::test]
async fn both_sides_are_seen_and_changed() {
    let lab = Lab::up();
    let site = lab.site();
    let systems = registry::open(&site);
    both_sides(&lab, &site, &systems).await;
    saves_show(&lab, &systems).await;
    promoted_and_following_again(&lab, &systems).await;
    who_may_not_in_is_denied(&lab, &site).await;
    unknown_names_are_missing(&lab, &site).await;
    plain_where_tls_was_asked(&lab, &site).await;
    frozen_and_thawed(&lab, &systems).await;
}

async fn both_sides(lab: &Lab, site: &Site, systems: &Systems) {
    let (east, west) = (
        &systems[&"redis-east".into()],
        &systems[&"redis-west".into()],
    );
    let (master, replica) = (look(east.as_ref()).await, look(west.as_ref()).await);
    let (east, west) = (
        redis_of(master.value.as_ref().unwrap()),
        redis_of(replica.value.as_ref().unwrap()),
    );
    assert_eq!((east.keys, west.keys), (402, 402));
    assert_eq!(east.replid, west.replid);
    assert!(
        east.version.starts_with(['6', '7', '8']),
        "{}",
        east.version
    );
    assert!(!east.loading);
    let RedisRole::Master { replicas, .. } = &east.role else {
        panic!("{east:?}");
    };
    assert_eq!(replicas.len(), 1);
    assert_eq!(replicas[0].addr, lab.place("redis-west"));
    assert_eq!(replicas[0].state, "online");
    let RedisRole::Replica { of, link_up, .. } = &west.role else {
        panic!("{west:?}");
    };
    assert_eq!((of, *link_up), (&lab.place("redis-east"), true));

    let sentinel = look(systems[&"sentinel".into()].as_ref()).await;
    let seen = sentinel_of(sentinel.value.as_ref().unwrap());
    assert_eq!(seen.master, lab.place("redis-east"));
    assert_eq!((seen.answered, seen.sentinels, seen.quorum), (3, 3, 2));
    assert_eq!((seen.replicas, seen.replicas_ok), (1, 1));
    assert_eq!((seen.agreed, seen.can_fail_over), (true, true));
    assert_eq!(seen.flags, ["master"]);

    let sights = [
        ("redis-east", master),
        ("redis-west", replica),
        ("sentinel", sentinel),
    ];
    let sights = sights
        .map(|(id, reading)| (TargetId::from(id), reading))
        .into();
    let lag = Condition::Lag {
        of: "redis-west".into(),
        under: std::time::Duration::from_secs(30),
        under_bytes: Some(1_000_000),
    };
    for condition in [lag, Condition::Redis(master_is("redis-east"))] {
        let verdict = evaluate::from_sights(&condition, &sights, site, None, &now()).unwrap();
        assert_eq!(verdict.holds, Holds::Yes, "{}", verdict.saw);
    }
    assert_eq!(
        holds(systems, "sentinel", master_is("redis-west")).await,
        Holds::No
    );
    let keys = |at_least| RedisCondition::Keys {
        of: "redis-west".into(),
        at_least,
    };
    assert_eq!(holds(systems, "redis-west", keys(402)).await, Holds::Yes);
    assert_eq!(holds(systems, "redis-west", keys(403)).await, Holds::No);
}

async fn saves_show(lab: &Lab, systems: &Systems) {
    let east = &systems[&"redis-east".into()];
    let target = || TargetId::from("redis-east");
    let Ok(before) = look(east.as_ref()).await.value else {
        panic!("redis-east is not seen");
    };
    let (outcome, _) = perform(systems, RedisAct::Save { target: target() }).await;
    assert!(
        done(&outcome).starts_with("redis-east: saved at "),
        "{outcome:?}"
    );
    let after = until(east.as_ref(), "a save", |sight| redis_of(sight).saved).await;
    assert!(redis_of(&after).last_save > redis_of(&before).last_save);
    let saved = redis_of(&after).last_save.unwrap().timestamp();
    assert_eq!(cli(lab, "redis-east", &["LASTSAVE"]), saved.to_string());
    let (outcome, _) = perform(systems, RedisAct::Bgrewriteaof { target: target() }).await;
    assert_eq!(
        done(&outcome),
        "redis-east: the append-only file is rewritten"
    );
    let told = cli(lab, "redis-east", &["INFO", "persistence"]);
    assert!(told.contains("aof_last_bgrewrite_status:ok"), "{told}");
}

async fn promoted_and_following_again(lab: &Lab, systems: &Systems) {
    // The Sentinels would turn the promoted server back: they are at home elsewhere for this part.
    for sentinel in ["sentinel-1", "sentinel-2", "sentinel-3"] {
        lab.run(&["freeze", sentinel]);
    }
    let west = || TargetId::from("redis-west");
    let (outcome, lines) = perform(systems, RedisAct::Promote { target: west() }).await;
    let east_at = lab.place("redis-east");
    let said = format!("redis-west is a master, and no longer follows {east_at}");
    assert_eq!(done(&outcome), said);
    assert_eq!(
        lines,
        [format!("redis-west follows {east_at}: REPLICAOF NO ONE")]
    );
    assert_eq!(role_of(lab, "redis-west"), "master");
    let role = |word| is("redis-west", word);
    assert_eq!(
        holds(systems, "redis-west", role(RoleWord::Master)).await,
        Holds::Yes
    );
    let (again, lines) = perform(systems, RedisAct::Promote { target: west() }).await;
    assert_eq!(
        done(&again),
        "redis-west is a master already; nothing was sent"
    );
    assert!(lines.is_empty());

    let follow = RedisAct::Follow {
        target: west(),
        of: "redis-east".into(),
    };
    let (outcome, _) = perform(systems, follow).await;
    assert_eq!(
        done(&outcome),
        format!("redis-west follows redis-east ({east_at}), and its link is up")
    );
    assert_eq!(role_of(lab, "redis-west"), "slave");
    assert_eq!(
        holds(systems, "redis-west", role(RoleWord::Replica)).await,
        Holds::Yes
    );

    let itself = RedisAct::Follow {
        target: west(),
        of: west(),
    };
    let (outcome, _) = perform(systems, itself).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    orders_whose_answer_is_lost(lab).await;
    for sentinel in ["sentinel-1", "sentinel-2", "sentinel-3"] {
        lab.run(&["thaw", sentinel]);
    }
}

/// A site on which one server is reached through a port that loses the answer to `word`.
async fn losing(lab: &Lab, server: &str, word: &'static str) -> (Systems, Arc<AtomicUsize>) {
    let (port, asked) = between(lab.port(server), Cut::Answer, word).await;
    let mut site = lab.site();
    for target in &mut site.targets {
        if let (Endpoint::Redis(at), true) = (&mut target.endpoint, target.id.as_str() == server) {
            at.port = port;
        }
    }
    (registry::open(&site), asked)
}

/// The order arrives, and its answer does not: it is unknown, sent once, and what it changed is there to be found.
async fn orders_whose_answer_is_lost(lab: &Lab) {
    let (east, west) = (
        || TargetId::from("redis-east"),
        || TargetId::from("redis-west"),
    );
    let follow = RedisAct::Follow {
        target: west(),
        of: east(),
    };
    let orders = [
        (RedisAct::Save { target: east() }, "BGSAVE"),
        (RedisAct::Bgrewriteaof { target: east() }, "BGREWRITEAOF"),
        (RedisAct::Promote { target: west() }, "REPLICAOF"),
        (follow, "REPLICAOF"),
    ];
    let saves = || cli(lab, "redis-east", &["LASTSAVE"]);
    let saved = saves();
    let direct = registry::open(&lab.site());
    for (act, word) in orders {
        let role = match &act {
            RedisAct::Promote { .. } => Some((RoleWord::Master, "master")),
            RedisAct::Follow { .. } => Some((RoleWord::Replica, "slave")),
            _ => None,
        };
        let (systems, asked) = losing(lab, act.target().as_str(), word).await;
        let (outcome, _) = perform(&systems, act).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{word}: {outcome:?}"
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{word}");
        if let Some((role, text)) = role {
            assert_eq!(role_of(lab, "redis-west"), text);
            let verified = holds(&direct, "redis-west", is("redis-west", role)).await;
            assert_eq!(verified, Holds::Yes, "{text}");
        }
    }
    until(direct[&east()].as_ref(), "the save", |_| saves() != saved).await;
}

/// The same of a failover, through whichever Sentinel is asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_asked_for_once_whatever_becomes_of_its_answer() {
    let lab = &Lab::up();
    let (mut nodes, mut asked) = (Vec::new(), Vec::new());
    for name in ["sentinel-1", "sentinel-2", "sentinel-3"] {
        let (port, count) = between(lab.port(name), Cut::Answer, "FAILOVER").await;
        nodes.push(format!("127.0.0.1:{port}"));
        asked.push(count);
    }
    let mut site = lab.site();
    for target in &mut site.targets {
        if let Endpoint::Sentinel(at) = &mut target.endpoint {
            at.nodes.clone_from(&nodes);
        }
    }
    let failover = RedisAct::Failover {
        target: "sentinel".into(),
    };
    let (outcome, _) = perform(&registry::open(&site), failover).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    let sent: usize = asked.iter().map(|count| count.load(Ordering::SeqCst)).sum();
    assert_eq!(sent, 1);
    let systems = registry::open(&lab.site());
    until(
        systems[&"sentinel".into()].as_ref(),
        "the new master",
        |sight| sentinel_of(sight).master == lab.place("redis-west"),
    )
    .await;
    // Another Sentinel has it from the one that failed over, a little later.
    let address = || {
        let ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "cache"];
        cli(lab, "sentinel-2", &ask).replace('\n', ":")
    };
    until(
        systems[&"sentinel".into()].as_ref(),
        "what the second Sentinel says",
        |_| address() == lab.place("redis-west"),
    )
    .await;
}

async fn who_may_not_in_is_denied(lab: &Lab, site: &Site) {
    let wrong = lab.path("wrong");
    std::fs::write(&wrong, "not the password\n").unwrap();
    std::fs::set_permissions(&wrong, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let right = lab.redis_endpoint("redis-east");
    let (file, user) = (Some(SecretRef::File(wrong)), Some("nobody".to_owned()));
    let table = [
        (
            "no password",
            RedisEndpoint {
                password: None,
                ..right.clone()
            },
        ),
        (
            "a wrong one",
            RedisEndpoint {
                password: file,
                ..right.clone()
            },
        ),
        (
            "an unknown user",
            RedisEndpoint {
                user,
                ..right.clone()
            },
        ),
    ];
    for (what, endpoint) in table {
        let target = target("redis-east", None, Endpoint::Redis(endpoint.clone()));
        let failure = failure(&Redis::new(&target, &endpoint, site)).await;
        assert_eq!(failure.kind, FailureKind::Denied, "{what}: {failure}");
        assert!(
            !failure.to_string().contains("not the password"),
            "{failure}"
        );
    }
}

async fn unknown_names_are_missing(lab: &Lab, site: &Site) {
    let target = lab.sentinel("cashe");
    let Endpoint::Sentinel(endpoint) = &target.endpoint else {
        panic!("no Sentinel");
    };
    let sentinel = Sentinel::new(&target, endpoint, site);
    let failure = failure(&sentinel).await;
    assert_eq!(failure.kind, FailureKind::Missing, "{failure}");
    assert!(
        failure.what.as_str().contains("master \"cashe\": unknown"),
        "{failure}"
    );
}

async fn plain_where_tls_was_asked(lab: &Lab, site: &Site) {
    let endpoint = RedisEndpoint {
        tls: Tls::Verify,
        ..lab.redis_endpoint("redis-east")
    };
    let target = target("redis-east", None, Endpoint::Redis(endpoint.clone()));
    let failure = failure(&Redis::new(&target, &endpoint, site)).await;
    assert_eq!(failure.kind, FailureKind::TimedOut, "{failure}");
    assert!(failure.advice.contains("without TLS"), "{failure}");
}

async fn frozen_and_thawed(lab: &Lab, systems: &Systems) {
    let west = &systems[&"redis-west".into()];
    lab.run(&["freeze", "redis-west"]);
    assert!(
        lab.is_open("redis-west"),
        "a frozen server accepts connections"
    );
    for _ in 0..2 {
        let failure = failure(west.as_ref()).await;
        assert_eq!(failure.kind, FailureKind::TimedOut, "{failure}");
    }
    // Nothing was sent, so this has not happened, and does not happen after the thaw.
    let promote = RedisAct::Promote {
        target: "redis-west".into(),
    };
    let (outcome, _) = perform(systems, promote).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    lab.run(&["thaw", "redis-west"]);
    let sight = until(west.as_ref(), "thawed", |_| true).await;
    assert!(!is_master(&sight));
}

#[tokio::test]
async fn sentinels_fail_over_and_tell_of_the_dead() {
    let lab = Lab::up();
    let site = lab.site();
    let systems = registry::open(&site);
    let sentinel = &systems[&"sentinel".into()];
    let target = || TargetId::from("sentinel");
    let (east_at, west_at) = (lab.place("redis-east"), lab.place("redis-west"));

    let node = lab.place("sentinel-1");
    let masters = discover::sentinel::look(&node).await.found.unwrap();
    let names: Vec<&str> = masters.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["cache"]);
    assert_eq!(refusals(&site, &systems).await, [] as [&str; 0]);
    let (outcome, lines) = perform(&systems, RedisAct::Failover { target: target() }).await;
    let said = format!("cache: {east_at} → {west_at}, redis-west says it is a master");
    assert_eq!(done(&outcome), said, "{lines:?}");
    assert_eq!(
        holds(&systems, "sentinel", master_is("redis-west")).await,
        Holds::Yes
    );
    assert_eq!(role_of(&lab, "redis-west"), "master");
    let west = systems[&"redis-west".into()].observe().await.value.unwrap();
    assert!(is_master(&west), "{west:?}");

    // The old master is turned into a replica some ten seconds later; kill it before, and no good replica is left.
    lab.run(&["kill", "redis-east"]);
    until(sentinel.as_ref(), "the replica down", |sight| {
        sentinel_of(sight).replicas_ok == 0
    })
    .await;
    // The link of the site begins at what is the replica now: what is behind the new master is not known.
    let red = refusals(&site, &systems).await;
    assert_eq!(red, ["loss known and under its gate", "a usable replica"]);
    let (outcome, _) = perform(&systems, RedisAct::Failover { target: target() }).await;
    let Outcome::Failed {
        failure: refusal, ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(
        ["NOGOODSLAVE", "INPROG"]
            .iter()
            .any(|code| refusal.what.as_str().contains(code)),
        "{refusal}"
    );
    assert_eq!(
        failure(systems[&"redis-east".into()].as_ref()).await.kind,
        FailureKind::Refused
    );

    // All dead: an address is given out still, and only the flags tell.
    lab.run(&["kill", "redis-west"]);
    let down = until(sentinel.as_ref(), "the master down", |sight| {
        sentinel_of(sight).flags.iter().any(|flag| flag == "o_down")
    })
    .await;
    assert_eq!(sentinel_of(&down).master, west_at);
    assert_eq!(
        holds(&systems, "sentinel", master_is("redis-west")).await,
        Holds::No
    );

    // A kept connection to a server that was started anew is replaced without a failed look.
    lab.run(&["start", "redis-west"]);
    let before = look(systems[&"redis-west".into()].as_ref()).await;
    assert!(before.value.is_ok(), "{before:?}");
    lab.run(&["kill", "redis-west"]);
    lab.run(&["start", "redis-west"]);
    let after = look(systems[&"redis-west".into()].as_ref()).await;
    assert!(after.value.is_ok(), "{after:?}");

    for (name, others) in [("sentinel-1", 2), ("sentinel-2", 1)] {
        lab.run(&["kill", name]);
        let sight = sentinel.observe().await.value.unwrap();
        assert_eq!(sentinel_of(&sight).answered, others);
    }
    let sight = until(sentinel.as_ref(), "no quorum", |sight| {
        !sentinel_of(sight).can_fail_over
    })
    .await;
    assert_eq!(sentinel_of(&sight).answered, 1);
    assert!(refusals(&site, &systems).await.contains(&"quorum".into()));
    lab.run(&["kill", "sentinel-3"]);
    assert_eq!(failure(sentinel.as_ref()).await.kind, FailureKind::Refused);
}
