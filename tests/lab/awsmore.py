"""What AWS has and moto has not: a service's tasks, its broken releases, the trail of calls, events of a failover, the window of a
restore, addresses that lead to real servers."""

import contextlib
import hashlib
import json
import time
from datetime import datetime, timedelta, timezone

import boto3
from moto.rds.models import rds_backends

ACCOUNT = "123456789012"


class More:
    """What has happened, for the proxy: its own lock guards it."""

    def __init__(self):
        self.begun = time.time()
        self.deployed = {}  # (region, service): when each of its deployments was over
        self.sick = set()  # health checks that no checker of Route 53 gets through
        self.broken = set()  # task definitions whose containers end at once: web:2
        self.trail = []  # calls to Secrets Manager: when, name
        self.versions = {}  # a secret's version: when it was stored
        self.failovers = []  # (instance, begun, over)
        self.addresses = {}  # instance: its address; "*": that of all others


MORE = More()


def iso(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ── ECS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def broken(definition):
    """Whether a task definition is one whose containers end at once."""
    return definition.rsplit("/", 1)[-1] in MORE.broken


def tasks(moto, region, action, values):
    """moto's services run no tasks: these are made up of the deployments that were asked for. Of a broken release every task stopped."""
    client = boto3.client("ecs", region_name=region, endpoint_url=f"http://127.0.0.1:{moto}")
    if action == "ListTasks":
        service, wanted = values["serviceName"], values.get("desiredStatus", "RUNNING")
        found = [task for task in all_tasks(client, region, values["cluster"], service) if task["lastStatus"] == wanted]
        return {"taskArns": [task["taskArn"] for task in found]}
    names = [arn.rsplit("/", 1)[-1] for arn in client.list_services(cluster=values["cluster"])["serviceArns"]]
    every = [task for name in names for task in all_tasks(client, region, values["cluster"], name)]
    return {"tasks": [task for task in every if task["taskArn"] in values["tasks"]], "failures": []}


def all_tasks(client, region, cluster, service):
    """The tasks of a service: those that run, and those of the deployment before, which stopped."""
    now = client.describe_services(cluster=cluster, services=[service])["services"][0]
    over = [MORE.begun, *MORE.deployed.get((region, service), [])]
    crashes = broken(now["taskDefinition"])
    for number, started in enumerate(over):
        newest = number + 1 == len(over)
        if len(over) - number > 2 or started > time.time():
            continue
        for place in range(now["desiredCount"]):
            task = hashlib.md5(f"{service}/{number}/{place}".encode()).hexdigest()
            told = {"taskArn": f"arn:aws:ecs:{region}:{ACCOUNT}:task/{cluster}/{task}", "startedAt": started}
            if newest and not crashes:
                yield {**told, "lastStatus": "RUNNING", "containers": [{"name": service}]}
            else:
                yield {**told, "lastStatus": "STOPPED", "stoppedAt": time.time(), **stopped(service, newest)}


def stopped(service, crashed):
    if crashed:
        why = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}
        return {**why, "containers": [{"name": service, "exitCode": 1}]}
    why = {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": f"Scaling activity initiated by (deployment of {service})"}
    return {**why, "containers": [{"name": service, "exitCode": 0}]}


# ── Secrets Manager ──────────────────────────────────────────────────────────────────────────────────────────────────


def stored(text):
    """Notes when a version came to be: moto says of each that it was now."""
    version = json.loads(text).get("VersionId")
    if version:
        MORE.versions[version] = time.time()


def versions(text):
    answer = json.loads(text)
    for version in answer["Versions"]:
        version["CreatedDate"] = MORE.versions.get(version["VersionId"], MORE.begun)
    return json.dumps(answer).encode()


# ── CloudTrail ───────────────────────────────────────────────────────────────────────────────────────────────────────


def lookup(values, user):
    """The calls that came by since a time, of one source."""
    wanted = {one["AttributeKey"]: one["AttributeValue"] for one in values.get("LookupAttributes", [])}
    if wanted != {"EventSource": "secretsmanager.amazonaws.com"}:
        raise ValueError(f"only calls to Secrets Manager are kept, and not {wanted}")
    found = []
    for at, name in MORE.trail:
        if at >= values.get("StartTime", 0):
            told = {"eventName": name, "eventTime": iso(at), "sourceIPAddress": "127.0.0.1", "userIdentity": {"arn": user}}
            event = {"EventName": name, "EventTime": at, "EventSource": wanted["EventSource"]}
            found.append({**event, "CloudTrailEvent": json.dumps(told)})
    return {"Events": found}


# ── RDS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def events(text, name):
    """An instance's events, and those of its failovers."""
    more = ""
    for instance, begun, over in MORE.failovers:
        for at, what in ((begun, "Multi-AZ instance failover started."), (over, "Multi-AZ instance failover completed")):
            if instance == name and at <= time.time():
                more += f"<Event><SourceIdentifier>{name}</SourceIdentifier><SourceType>db-instance</SourceType>"
                more += f"<Message>{what}</Message><Date>{iso(at)}</Date></Event>"
    text = text.replace(b"<Events/>", b"<Events></Events>")
    return text.replace(b"</Events>", more.encode() + b"</Events>")


def window(text):
    """From when to when a time can be restored to: the refusals of the proxy are the same."""
    now = datetime.now(timezone.utc)
    earliest, latest = now - timedelta(days=1), now - timedelta(minutes=5)
    told = f"<RestoreWindow><EarliestTime>{earliest:%FT%TZ}</EarliestTime><LatestTime>{latest:%FT%TZ}</LatestTime></RestoreWindow>"
    end = b"</DBInstanceAutomatedBackup>"
    return text.replace(end, told.encode() + end)


@contextlib.contextmanager
def shared(values, region, account):
    """A snapshot of another account can be copied by those it was shared with: moto looks for it in the asker's own."""
    source = values.get("SourceDBSnapshotIdentifier", "").split(":")
    owner, name = source[4] if len(source) > 4 else account, source[-1]
    theirs = rds_backends[owner][region].database_snapshots.get(name) if owner != account else None
    lent = theirs and account in theirs.attributes["restore"]
    if lent:
        rds_backends[account][region].database_snapshots[name] = theirs
    yield
    if lent:
        del rds_backends[account][region].database_snapshots[name]


def address(name):
    """The address that leads to the server behind an instance, where one was named."""
    return MORE.addresses.get(name) or MORE.addresses.get("*")
