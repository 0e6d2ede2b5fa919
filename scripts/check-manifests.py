#!/usr/bin/env python3
"""Checks the Kubernetes manifests beyond their schemas: that they fit each other, the settings of the product, and the rules
of this installation. Called by `scripts/check-deploy.sh`, which has installed PyYAML. Prints each fault; exits 1 if any.

With `environment server` or `environment migrate` it prints the variables of that Pod, with `query` the adapter's query for
a Pod `loadmaster-0`, for `scripts/try-deploy.sh`."""

import ipaddress
import json
import pathlib
import re
import sys
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "deploy/kubernetes"
# Of PostgreSQL, which README.md asks for; three connections are reserved for superusers.
POSTGRES_CONNECTIONS = 200 - 3
# Beside database.max_connections: four for health checks and background work, two lanes, one for the last space of
# flights, four that wait for locked rows.
OTHER_CONNECTIONS = 11

# Root paths that are for probes, Prometheus and operators.
INSIDE = {"/livez", "/readyz", "/metrics", "/health/detailed"}

faults: list[str] = []


def check(holds: object, fault: str) -> None:
    if not holds:
        faults.append(fault)


def documents(path: pathlib.Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def settings() -> dict[str, object]:
    """Every setting as section.key with its default; None for one without default."""
    text = (ROOT / "config/default.toml").read_text()
    found: dict[str, object] = {}
    section = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"\[([a-z_]+)\]", line):
            section = match[1]
        elif match := re.match(r"# ([a-z_]+) = ", line):
            found[f"{section}.{match[1]}"] = None
    for name, keys in tomllib.loads(text).items():
        found.update({f"{name}.{key}": value for key, value in keys.items()})
    return found


SETTINGS = settings()
USUAL = {
    "PORT": "server.port",
    "DATABASE_URL": "database.url",
    "DATABASE_READ_URL": "database.read_url",
    "REDIS_URL": "redis.url",
    "KAFKA_BROKERS": "kafka.brokers",
    "SMTP_URL": "mail.url",
    "RUST_LOG": "telemetry.log_filter",
}


def setting_of(variable: str) -> str | None:
    """The setting that a variable gives, or None for one of OpenTelemetry."""
    if variable.startswith("OTEL_"):
        return None
    name = variable.removesuffix("_FILE")
    if name in USUAL:
        return USUAL[name]
    match = re.fullmatch(r"LOADMASTER_([A-Z_]+?)__([A-Z_]+)", name)
    setting = f"{match[1]}.{match[2]}".lower() if match else ""
    check(setting in SETTINGS, f"{variable} names no setting of config/default.toml")
    return setting


def pod(owner: str, spec: dict) -> None:
    """The rules for every Pod: no rights, no token, no variables of Services, secrets by file."""
    check(spec.get("automountServiceAccountToken") is False, f"{owner}: a token of the service account is mounted")
    check(
        spec.get("enableServiceLinks") is False,
        f"{owner}: enableServiceLinks must be false, because LOADMASTER_PORT and the like would end the start",
    )
    context = spec.get("securityContext", {})
    check(context.get("runAsNonRoot") is True, f"{owner}: may run as root")
    check(context.get("runAsUser") == 10001, f"{owner}: runs as another user than the image's 10001")
    check(context.get("seccompProfile", {}).get("type") == "RuntimeDefault", f"{owner}: no seccomp profile")
    secrets = {volume["name"] for volume in spec.get("volumes", []) if "secret" in volume}
    for container in spec["containers"]:
        own = container.get("securityContext", {})
        check(own.get("readOnlyRootFilesystem") is True, f"{owner}: the root file system is writable")
        check(own.get("allowPrivilegeEscalation") is False, f"{owner}: privileges may grow")
        check(own.get("capabilities", {}).get("drop") == ["ALL"], f"{owner}: keeps capabilities")
        check("memory" in container["resources"]["limits"], f"{owner}: no limit of memory")
        check(container["resources"]["requests"].keys() >= {"cpu", "memory"}, f"{owner}: no requests of cpu and memory")
        check(container["image"] == "loadmaster", f"{owner}: the image is not the one that kustomization.yaml replaces")
        mounts = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] in secrets]
        for variable in container.get("env", []):
            setting_of(variable["name"])
            check("valueFrom" not in variable, f"{owner}: {variable['name']} is not given by file")
            if variable["name"].endswith("_FILE"):
                path = variable["value"]
                check(
                    any(pathlib.PurePath(path).parent == pathlib.PurePath(mount) for mount in mounts),
                    f"{owner}: no Secret is mounted where {variable['name']} leads ({path})",
                )
            else:
                check("://" not in variable["value"], f"{owner}: {variable['name']} may hold a secret")


def selects(selector: dict, labels: dict) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def leads(rule: dict, path: str) -> bool:
    """Whether an entry of an Ingress leads to a path: a prefix is one of whole segments."""
    if rule["pathType"] == "Exact":
        return path == rule["path"]
    prefix = rule["path"].rstrip("/")
    return path == prefix or path.startswith(prefix + "/")


def main() -> None:
    applied = documents(DIRECTORY / "kustomization.yaml")[0]
    migrating = documents(DIRECTORY / "migrate/kustomization.yaml")[0]
    listed = {DIRECTORY / name for name in applied["resources"]}
    listed |= {DIRECTORY / "migrate" / name for name in migrating["resources"]}
    present = {
        path for path in DIRECTORY.rglob("*.yaml") if path.name not in ("kustomization.yaml", "secret.example.yaml")
    }
    check(listed == present, f"kustomization.yaml and the files differ: {sorted(map(str, listed ^ present))}")
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    for kustomization in (applied, migrating):
        check(
            [image["newTag"] for image in kustomization["images"]] == [version],
            f"kustomization.yaml: the image's tag is not the version in Cargo.toml, {version}",
        )

    objects = {(o["kind"], o["metadata"]["name"]): o for path in sorted(present) for o in documents(path)}
    for (kind, name), each in objects.items():
        if kind != "Namespace":
            check(each["metadata"].get("namespace") == "loadmaster", f"{kind} {name}: not in the namespace loadmaster")

    deployment = objects["Deployment", "loadmaster"]["spec"]
    template = deployment["template"]
    job = objects["Job", "loadmaster-migrate"]["spec"]["template"]
    pod("Deployment", template["spec"])
    pod("Job", job["spec"])
    container = template["spec"]["containers"][0]
    labels = template["metadata"]["labels"]

    # The Job alone has the owner's URL.
    names = {volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume}
    check(names == {"loadmaster"}, f"Deployment: mounts other Secrets than its own: {sorted(names)}")
    names = {volume["secret"]["secretName"] for volume in job["spec"]["volumes"]}
    check(names == {"loadmaster-owner"}, f"Job: mounts other Secrets than the owner's: {sorted(names)}")
    examples = {o["metadata"]["name"]: o["stringData"] for o in documents(DIRECTORY / "secret.example.yaml")}
    for which, where in (("loadmaster", container), ("loadmaster-owner", job["spec"]["containers"][0])):
        used = {pathlib.PurePath(v["value"]).name for v in where["env"] if v["name"].endswith("_FILE")}
        check(
            used == set(examples[which]), f"secret.example.yaml: {which} has other keys than are used: {sorted(used)}"
        )
        for value in examples[which].values():
            check(
                "PASSWORD@" in value or value == "BASE64_OF_32_RANDOM_BYTES",
                f"secret.example.yaml: {which} seems to hold a real value",
            )

    values = {setting_of(name): value for name, value in objects["ConfigMap", "loadmaster"]["data"].items()}

    def number(setting: str) -> int:
        return int(values.get(setting, SETTINGS[setting]))

    drain, shutdown = number("server.drain_ms"), number("server.shutdown_ms")
    grace = template["spec"]["terminationGracePeriodSeconds"] * 1000
    check(
        drain < shutdown < grace, f"drain {drain} ms < shutdown {shutdown} ms < grace period {grace} ms does not hold"
    )
    check(
        (shutdown - drain) // 2 >= number("server.request_timeout_ms"),
        "a shutdown leaves requests less than their time",
    )
    check(values.get("server.host") == "0.0.0.0", "nobody outside a Pod reaches another address than 0.0.0.0")

    # Probes: the database must not decide about a restart, and must decide about readiness.
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        check(container[probe]["httpGet"]["path"] == path, f"{probe} does not ask {path}")
        check(container[probe]["httpGet"]["port"] == "http", f"{probe} does not ask the port http")
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    check(
        ports == {"http": number("server.port")},
        f"the container's ports are {ports}, the server's is {number('server.port')}",
    )

    rolling = deployment["strategy"]["rollingUpdate"]
    check(
        rolling["maxUnavailable"] == 0 and rolling["maxSurge"] == 1,
        "a rolling update takes a Pod before its successor is ready",
    )
    check("replicas" not in deployment, "replicas would undo the autoscaler's decision at each apply")
    scaler = objects["HorizontalPodAutoscaler", "loadmaster"]["spec"]
    check(scaler["minReplicas"] >= 2, "fewer than two Pods")
    check(
        scaler["scaleTargetRef"]["kind"] == "Deployment" and scaler["scaleTargetRef"]["name"] == "loadmaster",
        "the autoscaler scales something else",
    )
    each = number("database.max_connections") + OTHER_CONNECTIONS
    total = (scaler["maxReplicas"] + rolling["maxSurge"]) * each
    check(total <= POSTGRES_CONNECTIONS, f"all Pods together may open {total} connections, of {POSTGRES_CONNECTIONS}")

    rule = documents(DIRECTORY / "monitoring/prometheus-adapter.yml")[0]["rules"][0]
    wanted = {metric["pods"]["metric"]["name"] for metric in scaler["metrics"] if metric["type"] == "Pods"}
    check(wanted == {rule["name"]["as"]}, f"the autoscaler asks for {wanted}, the adapter offers {rule['name']['as']}")
    series = rule["seriesQuery"].split("{")[0]
    for name in {series, *re.findall(r"loadmaster_[a-z_]+", rule["metricsQuery"])}:
        check(
            f"| `{name}` | gauge |" in (ROOT / "docs/metrics.md").read_text(),
            f"{name} is not a gauge of docs/metrics.md",
        )
    check(rule["name"]["matches"] == f"^{series}$", "the adapter's rule names another series than it queries")

    for kind, name, selector in (
        ("Deployment", "loadmaster", deployment["selector"]["matchLabels"]),
        ("Service", "loadmaster", objects["Service", "loadmaster"]["spec"]["selector"]),
        (
            "PodDisruptionBudget",
            "loadmaster",
            objects["PodDisruptionBudget", "loadmaster"]["spec"]["selector"]["matchLabels"],
        ),
        (
            "NetworkPolicy",
            "loadmaster-ingress",
            objects["NetworkPolicy", "loadmaster-ingress"]["spec"]["podSelector"]["matchLabels"],
        ),
        (
            "NetworkPolicy",
            "loadmaster-egress-redis",
            objects["NetworkPolicy", "loadmaster-egress-redis"]["spec"]["podSelector"]["matchLabels"],
        ),
        (
            "NetworkPolicy",
            "loadmaster-egress-internet",
            objects["NetworkPolicy", "loadmaster-egress-internet"]["spec"]["podSelector"]["matchLabels"],
        ),
    ):
        check(selects(selector, labels), f"{kind} {name}: does not select the servers' Pods")
        check(not selects(selector, job["metadata"]["labels"]), f"{kind} {name}: selects the migration's Pod, too")
    for spread in template["spec"]["topologySpreadConstraints"]:
        check(
            selects(spread["labelSelector"]["matchLabels"], labels),
            "topologySpreadConstraints: does not select the servers' Pods",
        )
    database = objects["NetworkPolicy", "loadmaster-egress-database"]["spec"]["podSelector"]["matchLabels"]
    check(
        selects(database, labels) and selects(database, job["metadata"]["labels"]), "a Pod does not reach its database"
    )
    everything = objects["NetworkPolicy", "nothing-by-default"]["spec"]
    check(
        everything["podSelector"] == {}
        and sorted(everything["policyTypes"]) == ["Egress", "Ingress"]
        and "ingress" not in everything
        and "egress" not in everything,
        "NetworkPolicy nothing-by-default: permits something",
    )
    internet = objects["NetworkPolicy", "loadmaster-egress-internet"]["spec"]["egress"][0]
    block = internet["to"][0]["ipBlock"]
    excepted = [ipaddress.ip_network(network) for network in block["except"]]
    for private in ("10.0.0.1", "100.64.0.1", "169.254.169.254", "172.31.0.1", "192.168.0.1"):
        check(
            any(ipaddress.ip_address(private) in network for network in excepted),
            f"NetworkPolicy loadmaster-egress-internet: opens {private}, which is private",
        )
    check(
        {port["port"] for port in internet["ports"]} >= set(SETTINGS["webhooks.ports"]),
        "NetworkPolicy loadmaster-egress-internet: does not open the ports of webhooks.ports",
    )
    opened = {
        port["port"]
        for entry in objects["NetworkPolicy", "loadmaster-ingress"]["spec"]["ingress"]
        for port in entry["ports"]
    }
    check(opened == set(ports.values()), f"NetworkPolicy loadmaster-ingress: opens {opened}")

    service = objects["Service", "loadmaster"]["spec"]["ports"][0]
    check(service["targetPort"] in ports, "the Service leads to no port of the container")
    routed = [
        path for entry in objects["Ingress", "loadmaster"]["spec"]["rules"] for path in entry["http"]["paths"]
    ]
    # Every path outside of /api in the description of the API, so that a new page is reachable.
    for path in json.loads((ROOT / "openapi.json").read_text())["paths"]:
        check(
            path in INSIDE or any(leads(rule, path) for rule in routed),
            f"Ingress: no rule leads to {path}",
        )
    for entry in objects["Ingress", "loadmaster"]["spec"]["rules"]:
        for path in entry["http"]["paths"]:
            target = path["backend"]["service"]
            check(
                target["name"] == "loadmaster" and target["port"]["name"] == service["name"],
                f"Ingress: {path['path']} leads elsewhere",
            )
            check(not leads(path, "/metrics"), f"Ingress: {path['path']} shows /metrics to everyone")
    check(
        objects["Namespace", "loadmaster"]["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        == "restricted",
        "the namespace permits unrestricted Pods",
    )


def print_environment(which: str) -> None:
    path, name = ("deployment.yaml", "loadmaster") if which == "server" else ("migrate/job.yaml", "migrate")
    container = documents(DIRECTORY / path)[0]["spec"]["template"]["spec"]["containers"][0]
    assert container["name"] == name
    variables = dict(documents(DIRECTORY / "configmap.yaml")[0]["data"]) if "envFrom" in container else {}
    variables.update({variable["name"]: variable["value"] for variable in container["env"]})
    for variable, value in variables.items():
        print(f"{variable}={value}")


def print_query() -> None:
    rule = documents(DIRECTORY / "monitoring/prometheus-adapter.yml")[0]["rules"][0]
    query = rule["metricsQuery"].replace("<<.Series>>", rule["seriesQuery"].split("{")[0])
    query = query.replace("<<.LabelMatchers>>", 'namespace="loadmaster",pod=~"loadmaster-0"')
    print(query.replace("<<.GroupBy>>", "pod"))


if sys.argv[1:2] == ["environment"]:
    print_environment(sys.argv[2])
    sys.exit()
if sys.argv[1:] == ["query"]:
    print_query()
    sys.exit()
main()
for fault in faults:
    print(fault)
print(f"manifests: {len(faults)} faults" if faults else "manifests: fit each other and the settings")
sys.exit(1 if faults else 0)
