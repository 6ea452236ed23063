//! What a login may do, and what it can see.

use super::*;

#[test]
fn refusals_say_which_permission_is_missing_and_what_to_do() {
    with_credentials(
        "access::refusals_say_which_permission_is_missing_and_what_to_do",
        async {
            let aws = Aws::up();
            let fault = |action: &str, status: u16, code: &str, message: &str| {
                let fault =
                    json!({ "action": action, "status": status, "code": code, "message": message });
                aws.order(&json!({ "fault": fault }));
            };
            let arn = "arn:aws:rds:us-east-1:123456789012:db:orders-db";
            let words = format!(
                "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: rds:RebootDBInstance on resource: {arn}"
            );
            fault("RebootDBInstance", 403, "AccessDenied", &words);
            let (_, outcome) = aws.act("rds.failover = { target = \"orders\" }").await;
            let said = refused(&outcome);
            assert!(
                said.contains("rds:RebootDBInstance") && said.contains(arn),
                "{said}"
            );
            for (target, action, status, code, kind, words) in [
                (
                    "orders",
                    "DescribeDBInstances",
                    403,
                    "ExpiredToken",
                    FailureKind::Denied,
                    "log in again",
                ),
                (
                    "orders",
                    "DescribeDBInstances",
                    400,
                    "Throttling",
                    FailureKind::Busy,
                    "probe less often",
                ),
                (
                    "keys",
                    "DescribeSecret",
                    400,
                    "ThrottlingException",
                    FailureKind::Busy,
                    "probe less often",
                ),
                (
                    "keys",
                    "DescribeSecret",
                    400,
                    "AccessDeniedException",
                    FailureKind::Denied,
                    "permission",
                ),
                (
                    "public",
                    "ListResourceRecordSets",
                    400,
                    "Throttling",
                    FailureKind::Busy,
                    "probe less often",
                ),
            ] {
                fault(action, status, code, "no");
                let failure = aws.see(target).await.unwrap_err();
                assert_eq!(failure.kind, kind, "{failure}");
                assert!(failure.to_string().contains(words), "{failure}");
            }
            let failure = aws.see("gone").await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Missing, "{failure}");
            assert!(
                failure
                    .to_string()
                    .contains("check the name and the region"),
                "{failure}"
            );
        },
    );
}

#[test]
fn a_check_finds_what_is_missing_before_an_incident_does() {
    with_credentials(
        "access::a_check_finds_what_is_missing_before_an_incident_does",
        async {
            let aws = Aws::up();
            let folder = tempfile::tempdir().unwrap();
            let site = folder.path().join("site.toml");
            std::fs::write(&site, aws.site_text()).unwrap();
            let arn = "arn:aws:rds:us-east-1:123456789012:db:orders-db";
            let words = format!(
                "User: ana is not authorized to perform: rds:DescribeDBInstances on resource: {arn}"
            );
            let fault = json!({ "action": "DescribeDBInstances", "times": 4, "status": 403, "code": "AccessDenied", "message": words });
            aws.order(&json!({ "fault": fault }));
            let (status, said) = live(&site);
            assert_eq!(status, Some(2), "{said}");
            for line in [
                "✖ orders: orders (orders-db in us-east-1): DescribeDBInstances orders-db: AccessDenied: User: ana is not \
             authorized to perform: rds:DescribeDBInstances on resource: arn:aws:rds:us-east-1:123456789012:db:orders-db",
                "✖ no-bucket: ",
                "✖ unweighted: ",
                "✔ public: answers",
            ] {
                assert!(said.contains(line), "{line}: {said}");
            }
        },
    );
}

#[test]
fn a_check_finds_what_the_runbooks_may_not_do() {
    with_credentials(
        "access::a_check_finds_what_the_runbooks_may_not_do",
        async {
            let aws = Aws::up();
            let denied = ["rds:RebootDBInstance", "secretsmanager:PutSecretValue"];
            aws.order(&json!({ "deny": denied }));
            let (status, said) = checked(&aws);
            assert_eq!(status, Some(2), "{said}");
            let user = "arn:aws:iam::123456789012:user/moto";
            let orders = "arn:aws:rds:us-east-1:123456789012:db:orders-db";
            let keys =
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:harbour/api-keys-??????";
            for line in [
                format!(
                    "✖ orders: orders (orders-db in us-east-1): {user} may not rds:RebootDBInstance on {orders} — ask for this permission"
                ),
                format!(
                    "{user} may not secretsmanager:PutSecretValue on {keys} — ask for this permission"
                ),
            ] {
                assert!(said.contains(&line), "{line}: {said}");
            }
            let refusals = |said: &str| said.matches(" may not ").count();
            // A built-in runbook may fail over any of the four instances.
            assert_eq!(refusals(&said), 4 + 1, "{said}");
            // What the simulator denies is denied.
            let (_, outcome) = aws.act("rds.failover = { target = \"orders\" }").await;
            assert!(
                refused(&outcome).contains("not authorized to perform: rds:RebootDBInstance"),
                "{outcome:?}"
            );
            let (_, outcome) = aws.act("secrets.rotate = { target = \"keys\" }").await;
            let said = refused(&outcome);
            assert!(
                said.contains("not authorized to perform: secretsmanager:PutSecretValue"),
                "{said}"
            );
            // A session names its role without the path, and the policies are the role's.
            let role = json!({ "RoleName": "oncall", "Path": "/aws-reserved/", "AssumeRolePolicyDocument": "{}" });
            aws.boto("iam", "create_role", &role);
            let whole = "arn:aws:iam::123456789012:role/aws-reserved/oncall";
            let session = "arn:aws:sts::123456789012:assumed-role/oncall/ana";
            aws.order(&json!({ "caller": [session, whole] }));
            let (_, said) = checked(&aws);
            let line = format!("{whole} may not rds:RebootDBInstance on {orders}");
            assert!(said.contains(&line), "{line}: {said}");
            // Who may not ask is told so, and it counts as no fault of its own.
            aws.order(&json!({ "deny": ["iam:SimulatePrincipalPolicy"] }));
            let (_, said) = checked(&aws);
            assert_eq!(refusals(&said), 0, "{said}");
            assert!(
            said.contains(
                "? orders: orders (orders-db in us-east-1): SimulatePrincipalPolicy: AccessDenied"
            ),
            "{said}"
        );
        },
    );
}

#[test]
fn the_end_of_a_login_is_told_before_it_comes() {
    let name = "access::the_end_of_a_login_is_told_before_it_comes";
    with_credentials(name, async {
        let aws = Aws::up();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let end = (chrono::Utc::now() + chrono::TimeDelta::minutes(42)).to_rfc3339();
        let keys = json!({
            "Version": 1, "AccessKeyId": "lab", "SecretAccessKey": "lab", "SessionToken": "lab", "Expiration": end
        });
        std::fs::write(at("keys.json"), keys.to_string()).unwrap();
        let process = format!("/bin/cat {}", at("keys.json").display());
        let config = format!("[profile oncall]\ncredential_process = {process}\n");
        std::fs::write(at("config"), config).unwrap();
        let target = |name: &str, more: &str| {
            let place = "system = \"s3\"\nbucket = \"harbour-backups\"\naws_region = \"us-east-1\"";
            format!(
                "[targets.{name}]\n{place}\nendpoint = {:?}\n{more}\n",
                aws.fact("endpoint")
            )
        };
        let (dumps, copies) = (
            target("dumps", "profile = \"oncall\""),
            target("copies", ""),
        );
        let site = format!("name = \"harbour\"\n\n{dumps}\n{copies}");
        std::fs::write(at("site.toml"), site).unwrap();
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"));
        check
            .args(["check", "--live", "--site"])
            .arg(at("site.toml"));
        let done = check.env("AWS_CONFIG_FILE", at("config")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        for line in [
            "✔ dumps: answers",
            "✔ AWS profile oncall: the login ends at ",
            ", in 41 m ",
            "✔ AWS login: the login has no end",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
    });
}

/// `check --live` of the seeded site with a runbook that changes three of its targets: its exit code, and what it says.
fn checked(aws: &Aws) -> (Option<i32>, String) {
    const RUNBOOK: &str = "# Orders\n\n## Fail over {#over}\n\n```toml\nrds.failover = { target = \"orders\" }\n```\n\n\
        ## Rotate {#rotate}\n\n```toml\nsecrets.rotate = { target = \"keys\" }\n```\n\n\
        ## Scale {#scale}\n\n```toml\necs.scale = { target = \"web\", tasks = 5 }\n```\n";
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site.toml");
    std::fs::create_dir(folder.path().join("books")).unwrap();
    std::fs::write(folder.path().join("books/orders.md"), RUNBOOK).unwrap();
    std::fs::write(&site, format!("runbooks = \"books\"\n{}", aws.site_text())).unwrap();
    live(&site)
}

/// `check --live` of a site file: its exit code, and what it says.
fn live(site: &std::path::Path) -> (Option<i32>, String) {
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"));
    check.args(["check", "--live", "--site"]).arg(site);
    let done = check.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    (done.status.code(), said)
}

#[test]
fn a_first_site_file_has_what_the_login_can_see() {
    with_credentials(
        "access::a_first_site_file_has_what_the_login_can_see",
        async {
            let aws = Aws::up();
            let folder = tempfile::tempdir().unwrap();
            let (site, kubeconfig) = (
                folder.path().join("site.toml"),
                folder.path().join("kubeconfig"),
            );
            let contexts = "apiVersion: v1\nkind: Config\ncontexts:\n- { name: east, context: { cluster: c, user: u } }\n";
            std::fs::write(&kubeconfig, contexts).unwrap();
            let init = || {
                let mut init = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"));
                init.args(["init", "--region", "us-east-1", "--region", "eu-west-1"]);
                init.args([
                    "--endpoint",
                    aws.fact("endpoint"),
                    "--sentinel",
                    "127.0.0.1:1",
                ]);
                init.arg("--kubeconfig")
                    .arg(&kubeconfig)
                    .arg("--site")
                    .arg(&site);
                init.output().unwrap()
            };
            let done = init();
            let text = std::fs::read_to_string(&site).unwrap_or_default();
            assert!(done.status.success(), "{done:?}");
            for line in [
                "[targets.east] # its nodes",
                "[targets.orders-db] # postgres",
                "instance = \"orders-db-replica\"",
                "bucket = \"harbour-backups\"",
                &format!(
                    "# harbour.example.: system = \"route53\", zone = \"{}\"",
                    aws.fact("zone")
                ),
                "# RDS in eu-west-1: nothing",
                "# Sentinel at 127.0.0.1:1: connect: Connection refused",
            ] {
                assert!(text.contains(line), "{line}: {text}");
            }
            // It is a site file, and what is there stays there.
            let (read, faults) =
                warroom::incident::sitefile::parse("site.toml", &text, folder.path());
            assert!(read.is_some() && faults.is_empty(), "{faults:#?}");
            let again = init();
            assert!(!again.status.success(), "{again:?}");
            assert_eq!(std::fs::read_to_string(&site).unwrap(), text);
        },
    );
}
