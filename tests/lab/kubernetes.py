"""A Kubernetes API server with etcd, its controllers, its scheduler, and hollow nodes: kubelets that start no containers, and
report every pod as running. The programs are built once (kube-build) and kept in the user's cache; etcd is Debian's."""

import base64
import contextlib
import functools
import json
import os
import shutil
import signal
import ssl
import subprocess
import urllib.request
from pathlib import Path

import core
from core import HERE, LabError, wait_for, write

REGION, ZONES = "us-east-1", ["us-east-1a", "us-east-1b"]
# Who there is, and the group each is in; what readers may is in crds/rights.yaml.
PEOPLE = {"admin": "system:masters", "reader": "readers", "nobody": "nobodies"}
# In the order they are started.
SERVERS = ["kube-etcd", "kube-api", "kube-controllers", "kube-scheduler"]
PATIENCE = 60


@functools.cache
def programs():
    """The folder of the programs, built first where they are not."""
    for name, package in (("etcd", "etcd-server"), ("openssl", "openssl")):
        if not shutil.which(name, path=core.ENV["PATH"]):
            raise LabError(f"{name} is not installed — apt-get install {package}")
    built = subprocess.run([HERE / "kube-build"], stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        raise LabError(f"Kubernetes could not be built (exit {built.returncode}): see above")
    return Path(built.stdout.strip())


# ── All of it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def services(lab):
    return [service for service in lab.services() if service.kind == "kubernetes"]


def create(lab, nodes=3):
    """A new cluster in the lab, with nothing of an earlier one, until every node is ready."""
    if any(service.processes() for service in services(lab)):
        raise LabError(f"Kubernetes runs already — lab kubernetes {lab.dir} stop")
    delete(lab)
    names = [*SERVERS, *(f"node-{n}" for n in range(1, nodes + 1))]
    new = [name for name in names if name not in lab.names]
    lab.names += new
    lab.ports |= core.hold_ports(lab.dir, new)
    lab.save()
    home(lab).mkdir(mode=0o700)
    try:
        certificates(lab)
        people(lab)
        etcd, api, *rest = [lab.service(name) for name in names]
        start(etcd)
        start(api)
        for service in rest:
            launch(service)
        install(lab)
        for service in rest:
            service.wait_ready(lambda: ready(service), PATIENCE)
        # The controllers gather the reader's rights from several roles.
        wait_for("the reader may not read", PATIENCE, lambda: ask(lab, "/apis/velero.io/v1/backups", "reader"))
    except BaseException:
        stop_all(lab)
        raise


def stop_all(lab):
    """Whoever asks something goes before who is asked; frozen ones are woken for it."""
    for service in reversed(services(lab)):
        service.signal(signal.SIGCONT)
        stop(service)


def delete(lab):
    """All files but the logs; a new cluster is fenced nowhere."""
    shutil.rmtree(home(lab), ignore_errors=True)
    for service in services(lab):
        shutil.rmtree(service.home, ignore_errors=True)
        service.fence_file.unlink(missing_ok=True)


# ── One server ───────────────────────────────────────────────────────────────────────────────────────────────────────


def start(service):
    launch(service)
    service.wait_ready(lambda: ready(service), PATIENCE)


def launch(service):
    service.home.mkdir(mode=0o700, exist_ok=True)
    name = "node" if service.name.startswith("node-") else service.name
    service.launch(COMMANDS[name](service.lab, service))


def stop(service):
    """The API server would wait a minute for whoever watches something; what it stores is in etcd by then."""
    service.signal(signal.SIGTERM)
    with contextlib.suppress(LabError):
        wait_for("a stop", 3, lambda: not service.processes())
    service.kill()


def etcd(lab, service):
    url = f"http://127.0.0.1:{service.port}"
    return [
        "etcd",
        f"--data-dir={service.home}/data",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",  # it has no peers
        "--unsafe-no-fsync",  # survives a kill of etcd, not of the machine
    ]


def api(lab, service):
    at = home(lab)
    return [
        programs() / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{lab.ports['kube-etcd']}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={service.port}",
        "--insecure-port=0",
        "--endpoint-reconciler-type=none",  # it takes no loopback address
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        f"--token-auth-file={at}/tokens.csv",
        f"--tls-cert-file={at}/server.pem",
        f"--tls-private-key-file={at}/server.key",
        f"--client-ca-file={at}/ca.pem",
        f"--service-account-key-file={at}/accounts.key",
        f"--service-account-signing-key-file={at}/accounts.key",
        "--service-account-issuer=https://lab",
        "--disable-admission-plugins=ServiceAccount",  # no pod here has a use for a token
    ]


def controllers(lab, service):
    return [
        programs() / "kube-controller-manager",
        f"--service-account-private-key-file={home(lab)}/accounts.key",
        f"--root-ca-file={home(lab)}/ca.pem",
        "--node-monitor-grace-period=8s",  # four signs of life that did not come
        "--node-monitor-period=1s",
        *health(lab, service),
    ]


def scheduler(lab, service):
    return [programs() / "kube-scheduler", *health(lab, service)]


def health(lab, service):
    """Plain HTTP on loopback, for /healthz and nothing else."""
    at = ["--address=127.0.0.1", f"--port={service.port}", "--secure-port=0"]
    return [f"--kubeconfig={config(lab, 'admin')}", "--leader-elect=false", *at]


def node(lab, service):
    zone = ZONES[(int(service.name.removeprefix("node-")) - 1) % len(ZONES)]
    labels = {"topology.kubernetes.io/region": REGION, "topology.kubernetes.io/zone": zone}
    return [
        # Where it puts its volumes, and no search for a cloud it could be in.
        *("env", f"TMPDIR={service.home}", "AWS_EC2_METADATA_DISABLED=true"),
        programs() / "kubemark",
        "--morph=kubelet",
        f"--name={service.name}",
        f"--kubeconfig={config(lab, 'admin')}",
        f"--kubelet-port={service.port}",
        "--kubelet-read-only-port=0",
        f"--node-labels={','.join(f'{key}={value}' for key, value in labels.items())}",
    ]


COMMANDS = {
    "kube-etcd": etcd,
    "kube-api": api,
    "kube-controllers": controllers,
    "kube-scheduler": scheduler,
    "node": node,
}


def ready(service):
    lab = service.lab
    match service.name:
        case "kube-etcd":
            return b'"true"' in fetch(f"http://127.0.0.1:{service.port}/health")
        case "kube-api":
            return ask(lab, "/readyz") == b"ok"
        case "kube-controllers" | "kube-scheduler":
            return fetch(f"http://127.0.0.1:{service.port}/healthz") == b"ok"
    if fetch(f"http://127.0.0.1:{service.port}/healthz") != b"ok":
        return False
    seen = json.loads(ask(lab, f"/api/v1/nodes/{service.name}") or "{}").get("status", {})
    return any(c["type"] == "Ready" and c["status"] == "True" for c in seen.get("conditions", []))


def ask(lab, path, who="admin"):
    """What the API server answers somebody; nothing when it doesn't, or refuses."""
    context = ssl.create_default_context(cafile=f"{home(lab)}/ca.pem")
    headers = {"Authorization": f"Bearer {lab.secret(f'kube-{who}')}"}
    return fetch(urllib.request.Request(server(lab) + path, headers=headers), context)


def fetch(request, context=None):
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:
            return answer.read()
    except OSError:
        return b""


# ── Who may do what ──────────────────────────────────────────────────────────────────────────────────────────────────


def home(lab):
    """Keys, certificates and kubeconfigs."""
    return lab.dir / "kubernetes"


def server(lab):
    return f"https://127.0.0.1:{lab.ports['kube-api']}"


def config(lab, who):
    return home(lab) / f"{who}.kubeconfig"


def certificates(lab):
    """An authority, a certificate for the server, and the key that tokens of service accounts are signed with."""

    def openssl(*args):
        done = subprocess.run(["openssl", *args], cwd=home(lab), capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"openssl {args[0]}: {done.stderr.strip()}")

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(*new, "-x509", "-days", "30", "-subj", "/CN=lab", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*new, "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr")
    write(home(lab) / "names", "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "30")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *signer)
    openssl("genrsa", "-out", "accounts.key", "2048")


def people(lab):
    """A token for each, a kubeconfig for each with the one context `lab`, and `kubeconfig` with a context for each."""
    rows = [f'{lab.secret(f"kube-{who}")},{who},{who},"{group}"' for who, group in PEOPLE.items()]
    write(home(lab) / "tokens.csv", "\n".join(rows) + "\n")
    authority = base64.b64encode((home(lab) / "ca.pem").read_bytes()).decode()
    cluster = {"server": server(lab), "certificate-authority-data": authority}
    for who in PEOPLE:
        write_config(lab, config(lab, who), cluster, {"lab": who})
    write_config(lab, home(lab) / "kubeconfig", cluster, {who: who for who in PEOPLE})


def write_config(lab, path, cluster, contexts):
    """A kubeconfig; `contexts` says who it is in each, the first is the current one. JSON is YAML too."""
    text = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": who, "user": {"token": lab.secret(f"kube-{who}")}} for who in contexts.values()],
        "contexts": [{"name": name, "context": {"cluster": "lab", "user": who}} for name, who in contexts.items()],
        "current-context": next(iter(contexts)),
    }
    write(path, json.dumps(text, indent=1) + "\n")


def kubectl(lab, *args, who="admin"):
    """What kubectl prints; an error is what it says."""
    own = (f"--kubeconfig={config(lab, who)}", f"--cache-dir={home(lab)}/cache")
    done = subprocess.run([programs() / "kubectl", *own, *args], capture_output=True, text=True, env=core.ENV)
    if done.returncode != 0:
        raise LabError(f"kubectl {args[0]}: {done.stderr.strip()}")
    return done.stdout


def install(lab):
    """The kinds of objects that operators bring, and who may read them."""
    kubectl(lab, "apply", "-f", HERE / "crds")
    kubectl(lab, "wait", "--for=condition=established", "crd", "--all", f"--timeout={PATIENCE}s")
