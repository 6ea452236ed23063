"""The proxy in front of the AWS API server: counts, faults, and the states that moto skips."""

import http.client
import json
import logging
import re
import threading
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs

import awsmore
import boto3
import cbor2
import door
from awsmore import MORE
from door import Door
from moto.server import ThreadedMotoServer


# Who moto says asks, and how IAM calls it.
USER = "arn:aws:iam::123456789012:user/moto"


class World:
    """What the proxy knows beside moto: faults to come, and what is under way until when."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = Counter()
        self.faults = []
        self.seconds = 1.0
        self.busy = {}  # ("instance" | "snapshot" | "change", name): (state, until)
        self.zone = {}  # instance: its zone since a failover
        self.promoted = {}  # replica: since when it is none
        self.switched = set()  # replication groups whose primary is the other one
        self.writers = {}  # global database: the ARNs of its writer before, and of the one since
        self.sources = {}
        self.denied = set()  # rds:RebootDBInstance
        self.caller = (None, USER)  # who STS says asks, where it isn't moto's; and whose policies count

    def begin(self, kind, name, state):
        self.busy[kind, name] = (state, time.monotonic() + self.seconds)

    def state(self, kind, name):
        """The state between two others, while it lasts."""
        state, until = self.busy.get((kind, name), (None, 0))
        return state if time.monotonic() < until else None


WORLD = World()


class Proxy(Door):
    moto = 0

    def do_any(self):
        body = self.body()
        if self.path == "/_lab":
            return self.answer(200, "application/json", json.dumps(order(json.loads(body))).encode())
        action, values = action_of(self.command, self.path, self.headers, body)
        region, service = scope(self.headers)
        with WORLD.lock:
            WORLD.counts[action] += 1
            if service == "secretsmanager":
                MORE.trail.append((time.time(), action))
            fault = next((f for f in WORLD.faults if f["action"] == action), None)
            if fault:
                fault["times"] -= 1
                WORLD.faults = [f for f in WORLD.faults if f["times"] > 0]
        fault = fault or denial(self.headers, action) or refusal(action, values) or {}
        time.sleep(fault.get("delay", 0))
        if "status" in fault:
            return self.error(action, fault)
        own = {}
        if "/operation/" in self.path:
            status, kind, text = 200, "application/cbor", cloudwatch(self.moto, region, action, body)
        elif action in ("ListTasks", "DescribeTasks"):
            status, kind, text = told(awsmore.tasks(self.moto, region, action, values))
        elif action == "LookupEvents":
            status, kind, text = told(awsmore.lookup(values, USER))
        elif action == "SimulatePrincipalPolicy":
            status, kind, text = 200, "text/xml", simulation(values)
        elif action == "TestFailover":
            status, kind, text = 200, "text/xml", test_failover(values)
        elif action in ("SwitchoverGlobalCluster", "FailoverGlobalCluster"):
            status, kind, text = 200, "text/xml", global_cluster(action, values)
        else:
            with awsmore.shared(values, region, account(self.headers)):
                status, kind, text, own = self.forward(body)
        with WORLD.lock:
            if status == 200:
                happened(action, values, text, region)
            text = rewritten(action, text, values)
        if fault.get("drop"):
            return self.drop()
        protocol = {"smithy_protocol": "rpc-v2-cbor"} if kind == "application/cbor" else {}
        return self.answer(status, kind, text, **protocol, **own)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_any

    def forward(self, body):
        moto = http.client.HTTPConnection("127.0.0.1", self.moto, timeout=60)
        headers = {**self.passed_on(), "Host": self.headers["Host"], "x-moto-account-id": account(self.headers)}
        moto.request(self.command, self.path, body, headers)
        answer = moto.getresponse()
        # What an object is told by; of one that is only asked about, its length too.
        told = ("last-modified", "etag", *(["content-length"] if self.command == "HEAD" else []))
        own = {name.title(): value for name, value in answer.headers.items() if name.lower().startswith("x-amz-bucket") or name.lower() in told}
        return answer.status, answer.headers.get("Content-Type", "text/plain"), answer.read(), own

    def error(self, action, fault):
        """An error in the shape of the protocol the request came by."""
        code, message = fault["code"], fault.get("message", "")
        if "X-Amz-Target" in self.headers:
            text = json.dumps({"__type": code, "message": message})
            return self.answer(fault["status"], "application/x-amz-json-1.1", text.encode())
        space = "https://route53.amazonaws.com/doc/2013-04-01/" if "2013-04-01" in self.path else ""
        text = f"<ErrorResponse xmlns='{space}'><Error><Type>Sender</Type><Code>{code}</Code>"
        text += f"<Message>{message}</Message></Error><RequestId>lab</RequestId></ErrorResponse>"
        return self.answer(fault["status"], "text/xml", text.encode())


def order(what):
    with WORLD.lock:
        if "seconds" in what:
            WORLD.seconds = float(what["seconds"])
        WORLD.denied |= set(what.get("deny", []))
        WORLD.caller = tuple(what.get("caller", WORLD.caller))
        MORE.broken |= set(what.get("broken", []))
        MORE.sick |= set(what.get("sick", []))
        MORE.addresses |= what.get("addresses", {})
        if "fault" in what:
            WORLD.faults.append({"times": 1, **what["fault"]})
        return dict(WORLD.counts)


def action_of(method, path, headers, body):
    """The API's name of a request, and its values where it is a form."""
    if "X-Amz-Target" in headers:
        return headers["X-Amz-Target"].split(".")[-1], json.loads(body or b"{}")
    if "form" in headers.get("Content-Type", ""):
        values = {name: value[0] for name, value in parse_qs(body.decode(), keep_blank_values=True).items()}
        return values.get("Action", "?"), values
    if "/operation/" in path:
        return path.rsplit("/", 1)[1], {}
    for pattern, name in (
        (r"POST .*/rrset/?$", "ChangeResourceRecordSets"),
        (r"GET .*/rrset\b", "ListResourceRecordSets"),
        (r"GET .*/change/", "GetChange"),
        (r"GET .*/healthcheck/[^/]+/status", "GetHealthCheckStatus"),
    ):
        if re.match(pattern, f"{method} {path}"):
            return name, {"path": path}
    return f"{method} {path.split('?')[0]}", {"path": path}


def scope(headers):
    """Region and service that a request was signed for."""
    signed = re.search(r"Credential=[^,]*/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request", headers.get("Authorization", ""))
    return signed.groups() if signed else (None, None)


def account(headers):
    """A login of twelve digits asks in the account of that number; all others in the lab's own."""
    login = re.search(r"Credential=([0-9]{12})/", headers.get("Authorization", ""))
    return login.group(1) if login else awsmore.ACCOUNT


def denial(headers, action):
    """What the policies of the login don't allow: the same that the simulator says."""
    name = f"{scope(headers)[1]}:{action}"
    with WORLD.lock:
        if name not in WORLD.denied:
            return None
    return {"status": 403, "code": "AccessDenied", "message": f"User: {USER} is not authorized to perform: {name}"}


def simulation(values):
    """IAM's policy simulator, which moto has not got."""
    if values["PolicySourceArn"] != WORLD.caller[1]:
        raise ValueError(f"{values['PolicySourceArn']} is not who asks")
    rows = []
    for name, action in values.items():
        if name.startswith("ActionNames.member."):
            decision = "implicitDeny" if action in WORLD.denied else "allowed"
            rows.append(
                f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>"
                f"<EvalResourceName>{values['ResourceArns.member.1']}</EvalResourceName></member>"
            )
    return (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
        f"<EvaluationResults>{''.join(rows)}</EvaluationResults><IsTruncated>false</IsTruncated>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    ).encode()


def refusal(action, values):
    """What AWS refuses and moto takes."""
    name = values.get("DBInstanceIdentifier", "")
    with WORLD.lock:
        single = name in WORLD.sources and not WORLD.sources[name]["multi"]
        state = WORLD.state("instance", name)
    if action == "RebootDBInstance" and values.get("ForceFailover") == "true" and single:
        return error("InvalidParameterCombination", f"Cannot force failover of {name}: it is not Multi-AZ")
    if action in ("RebootDBInstance", "PromoteReadReplica", "CreateDBSnapshot") and state:
        return error("InvalidDBInstanceState", f"Database instance {name} is not in available state.")
    if action == "RestoreDBInstanceToPointInTime" and "RestoreTime" in values:
        at = datetime.fromisoformat(values["RestoreTime"].replace("Z", "+00:00"))
        now = datetime.now(timezone.utc)
        if not now - timedelta(days=1) <= at <= now - timedelta(minutes=5):
            return error("InvalidRestoreFault", "The specified restore time is outside of the instance's restorable range.")
    return None


def test_failover(values):
    """moto has none: the other node of the group is the primary from now on."""
    name = values["ReplicationGroupId"]
    with WORLD.lock:
        WORLD.switched ^= {name}
        WORLD.begin("group", name, "modifying")
    space = "http://elasticache.amazonaws.com/doc/2015-02-02/"
    group = f"<ReplicationGroup><ReplicationGroupId>{name}</ReplicationGroupId></ReplicationGroup>"
    result = f"<TestFailoverResult>{group}</TestFailoverResult>"
    return f'<TestFailoverResponse xmlns="{space}">{result}</TestFailoverResponse>'.encode()


def global_cluster(action, values):
    """moto changes no writer: from now on it is the cluster that was named."""
    name = values["GlobalClusterIdentifier"]
    with WORLD.lock:
        WORLD.writers[name] = (WORLD.writers.get(name, (None, None))[1], values["TargetDbClusterIdentifier"])
        WORLD.begin("global", name, "switching-over" if action.startswith("Switchover") else "failing-over")
    space = "http://rds.amazonaws.com/doc/2014-10-31/"
    cluster = f"<GlobalCluster><GlobalClusterIdentifier>{name}</GlobalClusterIdentifier></GlobalCluster>"
    return f'<{action}Response xmlns="{space}"><{action}Result>{cluster}</{action}Result></{action}Response>'.encode()


def cloudwatch(moto, region, action, body):
    """CloudWatch's newer protocol, which moto does not speak: the same question put by boto3."""
    client = boto3.client("cloudwatch", region_name=region, endpoint_url=f"http://127.0.0.1:{moto}")
    answer = getattr(client, re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower())(**cbor2.loads(body))
    del answer["ResponseMetadata"]
    return cbor2.dumps(answer, datetime_as_timestamp=True, timezone=timezone.utc)


def error(code, message):
    return {"status": 400, "code": code, "message": message}


def told(answer):
    """An answer in JSON."""
    return 200, "application/x-amz-json-1.1", json.dumps(answer).encode()


def happened(action, values, text, region):
    """Begins the states between two others."""
    name = values.get("DBInstanceIdentifier")
    if action == "RebootDBInstance":
        WORLD.begin("instance", name, "rebooting")
        if values.get("ForceFailover") == "true":
            before = WORLD.zone.get(name) or WORLD.sources.get(name, {}).get("zone") or "us-east-1a"
            WORLD.zone[name] = before[:-1] + ("b" if before[-1] == "a" else "a")
            MORE.failovers.append((name, time.time(), time.time() + WORLD.seconds))
    elif action == "PromoteReadReplica":
        WORLD.begin("instance", name, "modifying")
        WORLD.promoted[name] = time.monotonic() + WORLD.seconds
    elif action == "CreateDBSnapshot":
        WORLD.begin("snapshot", values["DBSnapshotIdentifier"], "creating")
    elif action == "RestoreDBInstanceFromDBSnapshot":
        WORLD.begin("instance", name, "creating")
    elif action == "RestoreDBInstanceToPointInTime":
        WORLD.begin("instance", values["TargetDBInstanceIdentifier"], "creating")
    elif action in ("CreateSecret", "PutSecretValue", "RotateSecret"):
        awsmore.stored(text)
    elif action == "UpdateService":
        name = values["service"].rsplit("/", 1)[-1]
        WORLD.begin("service", name, "IN_PROGRESS")
        MORE.deployed.setdefault((region, name), []).append(time.time() + WORLD.seconds)
    elif action == "ChangeResourceRecordSets":
        change = re.search(rb"<Id>(?:/change/)?([^<]+)</Id>", text)
        WORLD.begin("change", change.group(1).decode() if change else "", "PENDING")
    elif action == "DescribeDBInstances":
        for block in re.findall(rb"<DBInstance>.*?</DBInstance>", text, re.S):
            WORLD.sources[field(block, "DBInstanceIdentifier")] = {
                "multi": field(block, "MultiAZ") == "true",
                "zone": field(block, "AvailabilityZone"),
            }


def field(block, name):
    found = re.search(rb"<%s>([^<]*)</%s>" % (name.encode(), name.encode()), block)
    return found.group(1).decode() if found else ""


def replaced(block, name, value):
    return re.sub(rb"<%s>[^<]*</%s>" % (name.encode(), name.encode()), f"<{name}>{value}</{name}>".encode(), block)


def rewritten(action, text, values):
    """An answer as AWS would give it now."""
    if action == "DescribeEvents":
        return awsmore.events(text, values.get("SourceIdentifier"))
    if action == "DescribeDBInstanceAutomatedBackups":
        return awsmore.window(text)
    if action == "ListSecretVersionIds":
        return awsmore.versions(text)
    if action == "DescribeDBInstances":
        return re.sub(rb"<DBInstance>.*?</DBInstance>", lambda found: instance(found.group()), text, flags=re.S)
    if action == "DescribeDBSnapshots":
        return re.sub(rb"<DBSnapshot>.*?</DBSnapshot>", lambda found: snapshot(found.group()), text, flags=re.S)
    if action == "DescribeServices":
        return services(text)
    if action == "GetCallerIdentity" and WORLD.caller[0]:
        return replaced(text, "Arn", WORLD.caller[0])
    if action == "DescribeGlobalClusters":
        block = rb"<GlobalClusterMember>(?:(?!</GlobalClusterMember>).)*</GlobalClusterMember>"
        name = field(text, "GlobalClusterIdentifier")
        state, (before, since) = WORLD.state("global", name), WORLD.writers.get(name, (None, None))
        writer = (before if state else since) or field(text, "DBClusterArn")  # the one it was made of
        text = re.sub(rb"<Status>[^<]*</Status>", f"<Status>{state or 'available'}</Status>".encode(), text)
        return re.sub(block, lambda found: member(found.group(), writer), text, flags=re.S)
    if action == "DescribeReplicationGroups":
        block = rb"<ReplicationGroup>.*?</ReplicationGroup>"
        return re.sub(block, lambda found: group(found.group()), text, flags=re.S)
    if action == "GetHealthCheckStatus" and values["path"].split("/")[-2] in MORE.sick:
        return replaced(text, "Status", "Failure: Connection timed out. The endpoint or the internet connection is down.")
    if action in ("GetChange", "ChangeResourceRecordSets"):
        change = re.search(rb"<Id>(?:/change/)?([^<]+)</Id>", text)
        state = WORLD.state("change", change.group(1).decode()) if change else None
        return replaced(text, "Status", state or "INSYNC")
    return text


def services(text):
    """Tasks run once a deployment is over, and it is over after a moment."""
    answer = json.loads(text)
    for service in answer["services"]:
        state = WORLD.state("service", service["serviceName"])
        service["deployments"] = service["deployments"][:1]
        ended = "FAILED" if awsmore.broken(service["taskDefinition"]) else "COMPLETED"
        for deployment in service["deployments"]:
            deployment |= {"status": "PRIMARY", "rolloutState": "IN_PROGRESS" if state else ended}
        running = service["desiredCount"] - (1 if state else 0)
        service["runningCount"] = 0 if ended == "FAILED" else running
    return json.dumps(answer).encode()


def group(block):
    name = field(block, "ReplicationGroupId")
    state = WORLD.state("group", name)
    head, tail = block.split(b"<NodeGroups>", 1) if b"<NodeGroups>" in block else (block, b"")
    head = replaced(head, "Status", state or "available")
    if name in WORLD.switched and not state:
        roles = {b"primary": b"replica", b"replica": b"primary"}
        role = rb"<CurrentRole>(primary|replica)</CurrentRole>"
        tail = re.sub(role, lambda found: b"<CurrentRole>" + roles[found.group(1)] + b"</CurrentRole>", tail)
    return head + (b"<NodeGroups>" + tail if tail else b"")


def member(block, writer):
    """One cluster of a global database: the one that was made the writer, or another."""
    return replaced(block, "IsWriter", "true" if field(block, "DBClusterArn") == writer else "false")


def instance(block):
    name = field(block, "DBInstanceIdentifier")
    state = WORLD.state("instance", name)
    block = replaced(block, "DBInstanceStatus", state or "available")
    if awsmore.address(name):
        block = replaced(block, "Address", awsmore.address(name))
    if name in WORLD.zone and not state:
        block = replaced(block, "AvailabilityZone", WORLD.zone[name])
    if time.monotonic() > WORLD.promoted.get(name, float("inf")):
        source = rb"<ReadReplicaSourceDBInstanceIdentifier>[^<]*</ReadReplicaSourceDBInstanceIdentifier>"
        block = re.sub(source, b"", block)
    restorable = datetime.now(timezone.utc) - timedelta(minutes=5)
    stamp = f"<LatestRestorableTime>{restorable:%Y-%m-%dT%H:%M:%SZ}</LatestRestorableTime>"
    if b"<LatestRestorableTime>" in block:
        return replaced(block, "LatestRestorableTime", f"{restorable:%Y-%m-%dT%H:%M:%SZ}")
    return block.replace(b"</DBInstance>", stamp.encode() + b"</DBInstance>")


def snapshot(block):
    state = WORLD.state("snapshot", field(block, "DBSnapshotIdentifier"))
    block = replaced(block, "Status", state or "available")
    progress = b"<PercentProgress>%d</PercentProgress></DBSnapshot>" % (40 if state else 100)
    return block.replace(b"</DBSnapshot>", progress)


def serve():
    """Starts both; gives the proxy's port and moto's."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    _, Proxy.moto = moto.get_host_and_port()
    return door.serve(Proxy), Proxy.moto
