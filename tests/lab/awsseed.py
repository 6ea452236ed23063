"""What the AWS lab holds at its beginning."""


import boto3



def seed(endpoint):
    """Fills the server; gives the ids that were made up there."""

    def client(service, region="us-east-1"):
        return boto3.client(service, region_name=region, endpoint_url=endpoint)

    rds = client("rds")
    common = {"Engine": "postgres", "DBInstanceClass": "db.t3.medium", "AllocatedStorage": 20}
    common |= {"MasterUsername": "app", "MasterUserPassword": "lab-password"}
    rds.create_db_instance(DBInstanceIdentifier="orders-db", MultiAZ=True, AvailabilityZone="us-east-1a", **common)
    rds.create_db_instance(DBInstanceIdentifier="reports-db", MultiAZ=False, AvailabilityZone="us-east-1b", **common)
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="orders-db-replica", SourceDBInstanceIdentifier="orders-db", AvailabilityZone="us-east-1c"
    )
    rds.create_db_snapshot(DBInstanceIdentifier="orders-db", DBSnapshotIdentifier="orders-db-first")

    west = client("rds", "us-west-2")
    aurora = {"Engine": "aurora-postgresql", "MasterUsername": "app", "MasterUserPassword": "lab-password"}
    east = rds.create_db_cluster(DBClusterIdentifier="orders-east", **aurora)["DBCluster"]["DBClusterArn"]
    rds.create_global_cluster(GlobalClusterIdentifier="orders-global", SourceDBClusterIdentifier=east)
    west.create_db_cluster(
        DBClusterIdentifier="orders-west", Engine="aurora-postgresql", GlobalClusterIdentifier="orders-global"
    )

    secrets = client("secretsmanager")
    secrets.create_secret(Name="harbour/api-keys", SecretString="first")
    secrets.create_secret(Name="harbour/plain", SecretString="only")

    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="harbour.example", CallerReference="lab")["HostedZone"]["Id"]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [*records(), plain()]})

    s3 = client("s3")
    s3.create_bucket(Bucket="harbour-backups")
    for key, size in (("db/one.dump", 1000), ("db/two.dump", 1000), ("db/empty.dump", 0), ("logs/x", 10)):
        s3.put_object(Bucket="harbour-backups", Key=key, Body=b"x" * size)

    ecs = client("ecs")
    ecs.create_cluster(clusterName="main")
    container = {"name": "web", "memory": 128, "image": "web:1"}
    for _ in range(2):
        ecs.register_task_definition(family="web", containerDefinitions=[container])
    ecs.create_service(cluster="main", serviceName="web", taskDefinition="web:2", desiredCount=3)

    cache = client("elasticache")
    cache.create_replication_group(
        ReplicationGroupId="sessions",
        ReplicationGroupDescription="sessions",
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        NumNodeGroups=1,
        ReplicasPerNodeGroup=1,
        CacheNodeType="cache.t3.micro",
        Engine="redis",
    )

    alarms = client("cloudwatch")
    for name in ("db-cpu", "db-storage", "web-5xx"):
        alarms.put_metric_alarm(
            AlarmName=name,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="m",
            Namespace="n",
            Period=60,
            Statistic="Average",
            Threshold=1,
        )
        alarms.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="lab")

    for region in ("us-east-1", "us-west-2"):
        client("ecr", region).create_repository(repositoryName="web")
    client("ecr").put_image(repositoryName="web", imageManifest=MANIFEST, imageTag="v1")
    return {"zone": zone.removeprefix("/hostedzone/")}


MANIFEST = """{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
"config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": "sha256:aa"}, "layers": []}"""


def records():
    """One name with two types, each with a set for either region."""
    for kind, addresses in (("A", ("192.0.2.1", "198.51.100.1")), ("AAAA", ("2001:db8:1::1", "2001:db8:2::1"))):
        for identifier, weight, address in zip(("blue", "green"), (100, 0), addresses):
            yield {
                "Action": "CREATE",
                "ResourceRecordSet": {
                    "Name": "www.harbour.example",
                    "Type": kind,
                    "SetIdentifier": identifier,
                    "Weight": weight,
                    "TTL": 60,
                    "ResourceRecords": [{"Value": address}],
                },
            }


def plain():
    """A record without weights."""
    record = {"Name": "plain.harbour.example", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "192.0.2.9"}]}
    return {"Action": "CREATE", "ResourceRecordSet": record}
