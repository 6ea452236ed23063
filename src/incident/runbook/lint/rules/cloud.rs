//! Rules on what runs elsewhere: Kubernetes, its operators, AWS, Terraform.

use super::super::super::super::fault::Weight::{Fault, Warning};
use super::{Explained, Over, Rule, Unless, why};

/// Why each matters.
#[rustfmt::skip]
pub(super) const WHY: [Explained; 21] = [
    why("plugin-option-order", "kubectl finds a plugin by its first words, and an option before them is refused."),
    why("cnpg-no-instance", "A promotion names the instance that becomes the primary, or it is refused."),
    why("cnpg-status-json", "The plugin's JSON has no .status.phase: the answer is null, whatever the cluster does."),
    why("barman-object-store", "CloudNativePG has moved it into a plugin since 1.26, and takes it out."),
    why("kubectl-namespace", "Without a namespace it acts on whichever one the context names."),
    why("pods-not-running", "Running is not ready, and a job that is completed is no fault: both are told the wrong way round."),
    why("logs-of-a-selector", "With a selector kubectl prints the last ten lines of each pod, and the error is further up."),
    why("fixed-pod", "Roles move between pods, so that a fixed name meets the wrong one, or none."),
    why("two-rollouts", "set env begins a rollout by itself: a restart behind it begins a second one."),
    why("url-in-the-clear", "An address with its credentials in a variable is read by everyone who may see the workload."),
    why("zone-by-node-name", "The wide listing names nodes, not zones, and grep -c fails on a count of zero."),
    why("argocd-wait-all", "argocd app wait takes names or a selector, and has no --all."),
    why("etcdctl-restore", "Restoring has moved to etcdutl, and the servers have to be stopped first."),
    why("terraform-unreviewed", "A plan nobody has read may replace or destroy what is there."),
    why("rds-wait-too-early", "The instance still says available in the second before it reboots, so that the wait ends at once."),
    why("rds-not-awaited", "A restore that was accepted is no instance yet: it takes minutes, and may fail."),
    why("test-size-instance", "A burstable test class does not carry what the source instance carried."),
    why("ecs-not-awaited", "A deployment that was accepted may never become stable."),
    why("dns-not-awaited", "A change of DNS is PENDING when it is accepted, and resolvers keep the old answer for its TTL."),
    why("traffic-before-capacity", "Traffic that arrives before capacity and data does meets neither."),
    why("literal-zone", "Zone ids of load balancers differ by region: one copied from elsewhere points nowhere."),
];

/// What is found by a pattern.
#[rustfmt::skip]
pub(super) const RULES: [Rule; 21] = [
    Rule {
        code: "plugin-option-order", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bkubectl\s+(?:-\S+(?:[ =][^-\s]\S*)?\s+)+cnpg\b",
        what: "kubectl takes no option before the plugin's name",
        instead: "write kubectl cnpg … --context CONTEXT",
    },
    Rule {
        code: "cnpg-no-instance", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bcnpg\s+promote\s+[^\s-]\S*\s*(?:$|[\n|;&]|\s-)",
        what: "cnpg promote names no instance",
        instead: "write kubectl cnpg promote CLUSTER INSTANCE",
    },
    Rule {
        code: "cnpg-status-json", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bcnpg\s+status\b[^\n;]*json[^\n;]*[^\w]\.status\.phase",
        what: "the plugin's JSON has no .status.phase",
        instead: "kubectl get cluster NAME -o jsonpath='{.status.phase}'",
    },
    Rule {
        code: "barman-object-store", weight: Warning, over: Over::Written, unless: Unless::Never,
        pattern: r"\bbarmanObjectStore\s*:",
        what: "the in-tree object store goes away",
        instead: "use the Barman Cloud plugin",
    },
    Rule {
        code: "kubectl-namespace", weight: Warning, over: Over::Shell, unless: Unless::Named(r"\s(?:-n|--namespace|-A|--all-namespaces)\b|\bnodes?\b"),
        pattern: r"(?m)\bkubectl\b[^\n|;]*\s(?:scale|patch|delete|rollout|exec|set)\s[^\n|;]*$",
        what: "it names no namespace",
        instead: "add -n NAMESPACE, or with=TARGET behind the fence",
    },
    Rule {
        code: "pods-not-running", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bget\s+pods?\b[^\n;]*\|\s*grep\s+-v\s+['\x22]?Running",
        what: "neither pods that are not ready nor the header are told apart",
        instead: "kubectl wait --for=condition=Ready --timeout, or the condition ready",
    },
    Rule {
        code: "logs-of-a-selector", weight: Fault, over: Over::Shell, unless: Unless::Command(r"--tail"),
        pattern: r"\bkubectl\s+logs\b[^\n|;]*\s(?:-l|--selector)[ =]",
        what: "only the last ten lines of each pod are read",
        instead: "add --tail=-1",
    },
    Rule {
        code: "fixed-pod", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\b(?:exec|delete\s+pods?)\b(?:\s+(?:-n|--namespace|-c|--context)[ =]\S+|\s+-i?t?i?\b)*\s+(?:pod/)?[\w${}.-]*-\d+\b|\bcp\s[^\n|;]*[\w}/-]-\d+:",
        what: "a pod is named by its number",
        instead: "choose it by its label or its role, or name the deployment",
    },
    Rule {
        code: "two-rollouts", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bset\s+env\b[^\n]*\n\s*kubectl\b[^\n]*\brollout\s+restart\b",
        what: "two rollouts are begun, one behind the other",
        instead: "leave the restart out, and await kubectl rollout status --timeout",
    },
    Rule {
        code: "url-in-the-clear", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bset\s+env\b[^\n;]*\b\w*(?:URL|DSN|URI)=['\x22]?\w+://",
        what: "an address stands in the workload in plain text",
        instead: "change the secret it refers to, and await the rollout",
    },
    Rule {
        code: "zone-by-node-name", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bget\s+pods?\b[^\n;]*-o\s*wide\b[^\n;]*\|\s*grep\s+-c\b",
        what: "zones are looked for among node names",
        instead: "join pods with their node's topology.kubernetes.io/zone",
    },
    Rule {
        code: "argocd-wait-all", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bargocd\s+app\s+wait\b[^\n|;]*\s--all\b",
        what: "argocd app wait has no --all",
        instead: "argocd app wait -l SELECTOR --health --timeout 600",
    },
    Rule {
        code: "etcdctl-restore", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\betcdctl\s+snapshot\s+restore\b",
        what: "etcdctl restores no more",
        instead: "etcdutl snapshot restore, for each member, with the servers stopped",
    },
    Rule {
        code: "terraform-unreviewed", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\b(?:terraform|tofu)\s[^\n|;]*-auto-approve\b",
        what: "it is applied without a look at the plan",
        instead: "plan -out=FILE in one step, apply FILE in the next",
    },
    Rule {
        code: "rds-wait-too-early", weight: Fault, over: Over::Shell, unless: Unless::Script(r"until\b|describe-events"),
        pattern: r"\breboot-db-instance\b[\s\S]*?\brds\s+wait\s+db-instance-available\b",
        what: "the wait may end before the failover begins",
        instead: "use rds.failover, or wait until the zone has changed",
    },
    Rule {
        code: "rds-not-awaited", weight: Fault, over: Over::Shell, unless: Unless::Script(r"\brds\s+wait\b"),
        pattern: r"\brds\s+restore-db-instance-[\w-]+",
        what: "the restore is not awaited",
        instead: "aws rds wait db-instance-available, or rds.restore_to_time with its verification",
    },
    Rule {
        code: "test-size-instance", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"--db-instance-class[ =]db\.t\d\S*",
        what: "the instance is of a test's size",
        instead: "take the class, the parameter group and the protection of the source",
    },
    Rule {
        code: "ecs-not-awaited", weight: Fault, over: Over::Shell, unless: Unless::Script(r"\bservices-stable\b"),
        pattern: r"\becs\s+update-service\b",
        what: "the deployment is not awaited",
        instead: "aws ecs wait services-stable, or ecs.redeploy with the condition stable",
    },
    Rule {
        code: "dns-not-awaited", weight: Fault, over: Over::Shell, unless: Unless::Script(r"\broute53\s+wait\b|\bget-change\b"),
        pattern: r"\bchange-resource-record-sets\b",
        what: "the change is not awaited",
        instead: "aws route53 wait resource-record-sets-changed, then ask several resolvers; or route53.shift",
    },
    Rule {
        code: "traffic-before-capacity", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\b(?:change-resource-record-sets|update-dns)\b[\s\S]*?(?:\bscale\s[^\n]*--replicas=[1-9]|\bpg_restore\b|\bpg_promote\b)",
        what: "traffic is moved before what it needs is there",
        instead: "database, then capacity, then the region's own health, then DNS",
    },
    Rule {
        code: "literal-zone", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"HostedZoneId['\x22:\s]+Z[A-Z0-9]{5,}|--hosted-zone-id[ =]['\x22]?Z[A-Z0-9]{5,}",
        what: "a zone's id is written out",
        instead: "read CanonicalHostedZoneId from elbv2 describe-load-balancers, or name the zone in the site file",
    },
];
