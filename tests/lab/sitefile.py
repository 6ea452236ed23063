"""The site file of a lab. Severities, ladder and contacts are those of a SaaS's disaster recovery runbook
(seeds/inventory.md B-48 to B-51, F-10 to F-16, F-20 to F-25, F-46 to F-50)."""

from core import HERE, REGIONS

HEAD = """\
# Written by tests/lab/lab for the lab in {dir}.
name = "lab"
state_dir = "{dir}/state"
categories = ["availability", "data", "security"]

[objectives]
rto = "1h"
rpo = "5m"

[[severities]]
id = "SEV-1"
title = "Critical: complete outage"
response = "5m"
rto = "1h"

[[severities]]
id = "SEV-2"
title = "High: major functionality impaired"
response = "30m"
rto = "4h"

[[severities]]
id = "SEV-3"
title = "Medium: partial degradation"
response = "2h"
rto = "24h"

[[severities]]
id = "SEV-4"
title = "Low: minor issues"
response = "24h"

"""

# after, from, severities, who, what, channel, more. "Next standup", "FYI email" and "-" have no time and are no rungs;
# where the timeline (F-10 to F-16) and the matrix (F-20 to F-25) differ, the earlier holds.
ALL = ()
LADDER = [
    ("0m", "detection", ("SEV-1", "SEV-2"), "On-call engineer", "alert", "PagerDuty", ""),
    ("0m", "declaration", ("SEV-1",), "Security team", "notify", "Slack/phone", 'categories = ["security"]'),
    ("5m", "detection", ALL, "On-call engineer", "acknowledge and triage", None, ""),
    ("10m", "detection", ("SEV-1", "SEV-2"), "Incident commander", "assign", "#incidents", ""),
    ("15m", "declaration", ("SEV-1", "SEV-2"), "Engineering lead", "notify", "phone", ""),
    ("30m", "declaration", ("SEV-1",), "Executive team", "notify", "phone", ""),
    ("30m", "declaration", ("SEV-1",), "VP Engineering", "notify", "phone", ""),
    ("30m", "declaration", ("SEV-1",), "Affected customers", "notify", "e-mail", ""),
    ("30m", "declaration", ALL, "All customers", "status page updated", "status page", ""),
    ("30m", "declaration", ("SEV-3",), "On-call engineer", "alert", "PagerDuty", ""),
    ("1h", "declaration", ALL, "All customers", "regular status update", "status page", 'every = "30m"'),
    ("1h", "declaration", ("SEV-2",), "VP Engineering", "notify", "Slack", ""),
    ("1h", "declaration", ("SEV-1",), "CEO/CTO", "notify", "phone", ""),
    ("1h", "declaration", ("SEV-2",), "Affected customers", "notify", "e-mail", ""),
    ("2h", "declaration", ("SEV-2",), "CEO/CTO", "notify", "phone", ""),
    ("2h", "declaration", ("SEV-3",), "Engineering lead", "notify", "Slack", ""),
    ("4h", "declaration", ("SEV-4",), "On-call engineer", "alert", "PagerDuty", ""),
]

CONTACTS = [
    ("On-call engineer", "PagerDuty"),
    ("Incident commander", "Slack #incidents"),
    ("Engineering lead", "phone"),
    ("VP Engineering", "phone"),
    ("Security team", "security@aragora.ai"),
]

POSTGRES = """\
[targets.{name}]
system = "postgres"
region = "{region}"
host = "127.0.0.1"
port = {port}
user = "warroom"
dbname = "app"
password = {{ file = "{dir}/secrets/pg" }}
tls = "off"
heartbeat = "heartbeat"
interval = "1s"
timeout = "1s"
failures = 3
[targets.{name}.fence]
run   = ["{lab}", "fence", "{dir}", "{name}"]
proof = ["{lab}", "fenced", "{dir}", "{name}"]
undo  = ["{lab}", "unfence", "{dir}", "{name}"]

"""

REDIS = """\
[targets.{name}]
system = "redis"
region = "{region}"
host = "127.0.0.1"
port = {port}
password = {{ file = "{dir}/secrets/redis" }}
tls = "off"

"""

HTTP = """\
[targets.{name}]
system = "http"
region = "{region}"
url = "http://127.0.0.1:{port}/health"
status = 200
field = "{field}"
equals = "{equals}"

"""

REST = """\
[targets.sentinel]
system = "sentinel"
nodes = [{sentinels}]
master = "cache"
tls = "off"

[targets.dumps]
system = "files"
path = "{dir}/backups"
pattern = "*.dump"
checksum = true

[links.pg]
from = "pg-east"
to = "pg-west"
target = "5s"
gate = "30s"

[links.redis]
from = "redis-east"
to = "redis-west"
target = "5s"
gate = "30s"

[backups.pg-dump]
of = "dumps"
younger = "25h"
size_change = 30
# restore_test = "90d"  # asks for a test restore this often; the lab has never made one

[backups.cache]
intended = false
"""


def rung(after, since, severities, who, what, channel, more):
    lines = ["[[ladder]]", f'after = "{after}"', f'from = "{since}"']
    if severities:
        lines.append("severities = [" + ", ".join(f'"{s}"' for s in severities) + "]")
    lines += [f'who = "{who}"', f'what = "{what}"']
    if channel:
        lines.append(f'channel = "{channel}"')
    return "\n".join([*lines, *filter(None, [more])]) + "\n\n"


def text(lab):
    out = HEAD.format(dir=lab.dir)
    out += "".join(rung(*r) for r in LADDER)
    out += "".join(f'[[contacts]]\nrole = "{role}"\nreach = "{reach}"\n\n' for role, reach in CONTACTS)
    for role, region in zip(("primary", "standby"), REGIONS.values()):
        out += f'[regions.{region}]\nrole = "{role}"\n\n'
    # East must take writes; west is a standby and must be ready to.
    wanted = {"east": ("database.writable", "true"), "west": ("database.status", "ok")}
    for prefix, template in [("pg", POSTGRES), ("redis", REDIS), ("api", HTTP)]:
        for side, region in REGIONS.items():
            name = f"{prefix}-{side}"
            field, equals = wanted[side]
            out += template.format(name=name, region=region, port=lab.ports[name], dir=lab.dir, lab=HERE / "lab",
                                   field=field, equals=equals)  # fmt: skip
    sentinels = ", ".join(f'"127.0.0.1:{lab.ports[f"sentinel-{n}"]}"' for n in (1, 2, 3))
    return out + REST.format(sentinels=sentinels, dir=lab.dir)
