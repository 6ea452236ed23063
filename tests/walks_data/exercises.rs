//! A drill from the week before to its report, held as a live drill: a dump is restored, and the Sentinels of the lab change the master.

use std::fs;

use warroom::incident::journal::Mode;

use crate::common::cache::master_port;
use crate::company::Company;
use crate::metrics::Alerts;
use crate::signatures::signed;

const VALUES: [(&str, &str); 4] = [
    ("API", "shop"),
    ("PUBLIC", "shop"),
    ("ALERTS", "alerts"),
    ("BACKUP", "pg-dump"),
];

/// Marks targets of the site for drills.
fn marks(company: &Company, targets: &[&str]) {
    let file = company.lab.path("company.toml");
    let text = fs::read_to_string(&file).unwrap();
    let marked = targets.iter().fold(text, |text, id| {
        let head = format!("[targets.{id}]\n");
        assert!(text.contains(&head), "{id}");
        text.replace(&head, &format!("{head}drill = true\n"))
    });
    fs::write(file, marked).unwrap();
}

/// What follows whatever was rehearsed, to the report.
const AFTER: [&str; 12] = [
    "measure",
    "healthy",
    "take-back",
    "normal",
    "rto",
    "rpo",
    "issues",
    "actions",
    "runbooks",
    "follow-up",
    "file",
    "done",
];

#[test]
fn a_drill_is_prepared_held_on_what_is_marked_and_written_down() {
    let alerts = Alerts::up();
    let company = Company::up(&alerts.target("alerts"));
    let marked = ["shop", "pg-east", "redis-east", "redis-west", "sentinel"];
    marks(&company, &marked);
    company.hurries("drill", "for = \"2m\"", "for = \"2s\"");
    let dumps = company.lab.path("backups").display().to_string();
    let walker = company.driller("A restore, and Redis by its Sentinels");
    let mut walker = walker.gives("restore-dump", &[("DUMPS", &dumps)]);

    let walked = walker.walks("drill", &VALUES, &[("part", "The week before")]);
    let way = [
        "part",
        "announced",
        "backups",
        "plan",
        "channels",
        "customers",
        "dashboards",
        "ready",
        "done",
        "normal",
    ];
    assert_eq!(walked.steps("drill"), way);
    signed(&walked, "drill");

    let of_redis = [
        "verify-replica",
        "failover",
        "write",
        "old-master",
        "clients",
    ];
    let of_a_backup = ["find", "create", "restore", "drop"];
    for (which, step, runbook, its) in [
        (
            "Restore of a backup",
            "restore",
            "restore-dump",
            &of_a_backup[..],
        ),
        (
            "Failover of Redis",
            "component",
            "redis-sentinel-failover",
            &of_redis,
        ),
    ] {
        let ways = [
            ("part", "The day"),
            ("which", which),
            ("take-back", "Something smaller, or nothing"),
        ];
        let walked = walker.walks("drill", &VALUES, &ways);
        let mut steps = walked.steps("drill");
        steps.dedup();
        let first = ["part", "declare", "before", "which", step];
        assert_eq!(steps, [&first[..], &AFTER].concat());
        assert_eq!(walked.steps(runbook), its);
        signed(&walked, "drill");
        assert_eq!(walked.incident.declaration.mode, Mode::Drill);
    }
    assert_eq!(master_port(&company.lab), company.lab.port("redis-west"));
    let left = "SELECT count(*) FROM pg_database WHERE datname = 'warroom_scratch'";
    let port = company.lab.port("pg-east");
    assert_eq!(company.psql(port, "postgres", "postgres", left), "0");
}

#[test]
fn in_a_real_incident_its_day_does_not_begin() {
    let alerts = Alerts::up();
    let company = Company::up(&alerts.target("alerts"));
    let ways = [("part", "The day"), ("declare", "leave the runbook")];
    let walked = company
        .walker("This is real")
        .walks("drill", &VALUES, &ways);
    assert_eq!(walked.steps("drill"), ["part", "declare"]);
    assert_eq!(master_port(&company.lab), company.lab.port("redis-east"));
}
