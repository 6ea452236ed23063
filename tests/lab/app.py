"""The application that users reach, by HTTPS: `app.py ADDRESS LAB ENDPOINT KEYS`. It prints its address once it answers, and ends with
its standard input. `app.py rooms ENDPOINT REGION LOGIN` makes what it needs beside a database, in another region or account.

What it needs it reads from Secrets Manager at every request: where its database is (app/production/database) and what it signs
logins with (app/production/session-key).

    GET /health           200 and who serves, when a row can be written; else 503
    POST /login           a token of the test user, signed with the newest key
    GET /api/v1/auth/me   200 for a token that was signed with one of the KEYS newest versions, else 401

It is a stand-in for an organisation's own service. The database and the secrets behind it are the lab's."""

import hashlib
import hmac
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from importlib.machinery import SourceFileLoader
from pathlib import Path

import psql
from door import Door

WRITE = "UPDATE heartbeat SET at = clock_timestamp(); SELECT count(*) FROM customers;"
STAGES = ["AWSCURRENT", "AWSPREVIOUS"]


class App(Door):
    lab, secrets, keys = None, None, 1

    def do_GET(self):
        match self.path:
            case "/health":
                self.health()
            case "/api/v1/auth/me":
                given = self.headers.get("Authorization", "").removeprefix("Bearer ")
                known = any(hmac.compare_digest(given, token) for token in self.tokens())
                self.says(200 if known else 401, {"id": "ana"} if known else {"error": "log in"})
            case _:
                self.says(404, {"error": "there is no such page"})

    def do_POST(self):
        self.body()
        self.says(200, {"token": next(self.tokens())})

    def health(self):
        at = json.loads(self.secret("app/production/database", "AWSCURRENT"))
        where = f"host={at['host']} port={at['port']} user=app dbname=app connect_timeout=2"
        done = subprocess.run(
            psql.command(where),
            input=WRITE,
            env=psql.ENV | {"PGPASSWORD": (self.lab / "secrets/pg-app").read_text().strip()},
            capture_output=True,
            text=True,
        )
        well = done.returncode == 0
        word = "healthy" if well else "down"
        told = {"status": word, "database": word, "host": at["host"], "customers": done.stdout.strip(), "why": done.stderr}
        self.says(200 if well else 503, told)

    def tokens(self):
        """What the test user's token is with each key that is accepted, the newest first."""
        for stage in STAGES[: self.keys]:
            key = self.secret("app/production/session-key", stage)
            if key:
                yield hmac.new(key.encode(), b"ana", hashlib.sha256).hexdigest()

    def secret(self, name, stage):
        try:
            return self.secrets.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]
        except self.secrets.exceptions.ResourceNotFoundException:
            return None

    def says(self, status, what):
        self.answer(status, "application/json", json.dumps(what).encode() + b"\n")


def deploy(endpoint, port):
    """What it consists of at AWS: a database in a network, secrets, three services that read them, what they log and measure."""
    rooms(endpoint, "us-east-1", "lab")
    database(endpoint)
    place = json.dumps({"host": "127.0.0.1", "port": port, "user": "app"})
    client(endpoint, "us-east-1", "secretsmanager").create_secret(Name="app/production/database", SecretString=place)


def rooms(endpoint, region, login):
    """All of it but its database: what stands in a region or an account where it could be recovered to."""
    network(endpoint, region, login)
    services(endpoint, region, login)


def client(endpoint, region, service, login="lab"):
    import boto3

    return boto3.client(service, region, endpoint_url=endpoint, aws_access_key_id=login, aws_secret_access_key=login)


def network(endpoint, region, login):
    subnets = [one["SubnetId"] for one in client(endpoint, region, "ec2", login).describe_subnets()["Subnets"]]
    group = {"DBSubnetGroupName": "private", "DBSubnetGroupDescription": "private", "SubnetIds": subnets}
    client(endpoint, region, "rds", login).create_db_subnet_group(**group)


def database(endpoint):
    client(endpoint, "us-east-1", "rds").create_db_instance(
        DBInstanceIdentifier="app-db",
        Engine="postgres",
        DBInstanceClass="db.t3.medium",
        AllocatedStorage=20,
        MultiAZ=True,
        AvailabilityZone="us-east-1a",
        DBSubnetGroupName="private",
        PubliclyAccessible=False,
        MasterUsername="postgres",
        MasterUserPassword="lab-password",
    )


def services(endpoint, region, login):
    secrets = client(endpoint, region, "secretsmanager", login)
    key = secrets.create_secret(Name="app/production/session-key", SecretString="first")["ARN"]
    ecs = client(endpoint, region, "ecs", login)
    ecs.create_cluster(clusterName="production")
    for name in ("gateway", "processor", "workers"):
        reads = [{"name": "SESSION_KEY", "valueFrom": key}]
        container = {"name": name, "memory": 128, "image": f"{name}:1", "secrets": reads}
        for _ in range(2):
            ecs.register_task_definition(family=name, containerDefinitions=[container])
        ecs.create_service(cluster="production", serviceName=name, taskDefinition=f"{name}:2", desiredCount=2)
    logs = client(endpoint, region, "logs", login)
    logs.create_log_group(logGroupName="/app/processor")
    logs.create_log_stream(logGroupName="/app/processor", logStreamName="1")
    line = {"timestamp": int(time.time() * 1000), "message": "processed 40 events"}
    logs.put_log_events(logGroupName="/app/processor", logStreamName="1", logEvents=[line])
    numbers = {"CPUUtilization": 7.0, "FreeStorageSpace": 15.0 * 1024**3}
    for instance in ("app-db", "app-db-new"):
        dimensions = [{"Name": "DBInstanceIdentifier", "Value": instance}]
        data = [{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in numbers.items()]
        client(endpoint, region, "cloudwatch", login).put_metric_data(Namespace="AWS/RDS", MetricData=data)


def serve(address, folder, endpoint, keys):
    App.lab, App.keys = Path(folder), int(keys)
    deploy(endpoint, json.loads((App.lab / "lab.json").read_text())["ports"]["pg-east"])
    App.secrets = client(endpoint, "us-east-1", "secretsmanager")
    server = ThreadingHTTPServer((address, 443), App)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(App.lab / "app.pem")
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(address, flush=True)


if __name__ == "__main__":
    aws = SourceFileLoader("aws", str(Path(__file__).resolve().parent / "aws")).load_module()
    os.environ.update(aws.ENV)
    sys.path.insert(0, str(aws.library()))
    if sys.argv[1] == "rooms":
        rooms(*sys.argv[2:])
        sys.exit()
    serve(*sys.argv[1:])
    sys.stdin.read()
    os._exit(0)
