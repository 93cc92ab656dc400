"""Components that should not be there: left-overs, things without an owner, versions with a known hole.

A version is told by the tag of an image. A tag is a claim: these findings have medium confidence, and a digest without a tag is not judged here
(the image room reads what is inside).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from seawall.core.pod import Container, Pod
from seawall.core.resource import Resource
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule, pod_rule, resource_rule

_NGINX = "nginx.ingress.kubernetes.io/"
_NGINX_RISKY = (
    # Annotations whose text ends up in the controller's configuration, or has done so through a known hole.
    "server-snippet",
    "configuration-snippet",
    "location-snippet",
    "auth-snippet",
    "stream-snippet",
    "modsecurity-snippet",
    "server-alias",
    "auth-tls-match-cn",
    "mirror-target",
    "mirror-host",
    "auth-url",
    "auth-tls-error-page",
)
_SNIPPETS = ("server-snippet", "configuration-snippet", "location-snippet", "auth-snippet", "stream-snippet", "modsecurity-snippet")


class Image(NamedTuple):
    """The name (last part of the repository) and version of an image, as its reference claims; version is () when the tag is none."""

    name: str
    repository: str
    version: tuple[int, ...]


@pod_rule(
    "dashboard",
    "Kubernetes dashboard is deployed",
    # Medium: its account is often strong, and its project has been archived.
    Severity.MEDIUM,
    category="addons",
    aliases={"kubescape": "C-0014", "checkov": "CKV_K8S_33", "kics": "dashboard_is_enabled"},
    controls={"cis-gke-1.9.0": "5.10.1"},
)
def dashboard(pod: Pod) -> Verdicts:
    """
    What it finds: A workload that runs the image of the Kubernetes dashboard.
    Why it matters: It acts with its own account for whoever reaches it. It was the way into clusters more than once, and is no longer developed.
    How to fix: Remove it, and give people kubectl, or a console that acts with the person's own rights.
    Exceptions: Dashboards behind a login proxy, with an account that may only read.
    """
    for container in pod.containers:
        if re.search(r"(?:^|/)kubernetes-?ui/|kubernetes-dashboard", _image(container).repository):
            yield Failure(container["image"], f"{container} runs the Kubernetes dashboard", container=container.name)


@pod_rule(
    "tiller",
    "Helm's Tiller is deployed",
    # Critical: it does anything in the cluster for whoever reaches its port, and asks nobody who he is.
    Severity.CRITICAL,
    category="addons",
    aliases={"trivy": "KSV-0102", "checkov": "CKV_K8S_34", "kics": "tiller_is_deployed"},
)
def tiller(pod: Pod) -> Verdicts:
    """
    What it finds: A workload that runs Tiller, the server of Helm 2, told by its image or its labels.
    Why it matters: Tiller has cluster-admin in most installations and takes orders without a login from every pod that can reach it. Helm 2 has
        had no security fixes since November 2020.
    How to fix: Move to Helm 3, which has no server, and delete Tiller.
    Exceptions: None known.
    """
    for container in pod.containers:
        if _image(container).name == "tiller":
            yield Failure(container["image"], f"{container} runs Tiller", container=container.name)
            return
    labels = pod.metadata["labels"]
    if labels["app"].text == "helm" and labels["name"].text == "tiller":
        yield Failure(labels["name"], f"{pod} has the labels of Tiller")


@resource_rule(
    "tiller-service",
    "Tiller's Service is left over",
    # Medium: a name that pods still trust, free to be taken.
    Severity.MEDIUM,
    category="addons",
    kinds=("Service",),
    aliases={"checkov": "CKV_K8S_44", "kics": "tiller_service_is_not_deleted"},
)
def tiller_service(resource: Resource) -> Verdicts:
    """
    What it finds: A Service that is called tiller-deploy, or selects Tiller's labels.
    Why it matters: It keeps the way to Tiller open, or leads to whatever takes its labels.
    How to fix: Delete the Service.
    Exceptions: None known.
    """
    selector = resource.field("spec", "selector")
    if resource.name == "tiller-deploy" or (selector["name"].text == "tiller" and selector["app"].text == "helm"):
        yield Failure(resource.field("metadata", "name"), f"Service {resource.name} belongs to Tiller")


@container_rule(
    "tiller-reachable",
    "Tiller listens to the whole cluster",
    # High: every pod may give it orders.
    Severity.HIGH,
    category="addons",
    lists=("containers",),
    aliases={"checkov": "CKV_K8S_45", "kics": "tiller_deployment_is_accessible_from_within_the_cluster"},
)
def tiller_reachable(container: Container) -> Verdicts:
    """
    What it finds: A Tiller container that does not listen on localhost only (--listen=localhost:44134).
    Why it matters: Every pod of the cluster can connect and act with Tiller's rights.
    How to fix: Remove Tiller; until then, start it with --listen=localhost:44134.
    Exceptions: None known.
    """
    if _image(container).name != "tiller":
        return
    words = [item.text for name in ("command", "args") for item in container[name].items()]
    local = any(re.match(r"-?-listen[= ](localhost|127\.0\.0\.1|\[::1\]):", word) for word in [*words, " ".join(words)])
    if not local:
        yield Failure(container["args"] if container["args"].is_set else container.field, f"{container} lets every pod give orders to Tiller")


@resource_rule(
    "ingress-nginx-snippets",
    "Ingress writes into nginx's configuration",
    # High: whoever may write an Ingress reads the controller's account, which reads every Secret (CVE-2021-25742 and its family).
    Severity.HIGH,
    category="vuln",
    kinds=("Ingress", "ConfigMap"),
    aliases={"trivy": "KCV-0093", "kubescape": "C-0059", "checkov": "CKV_K8S_152 CKV_K8S_153 CKV_K8S_154"},
    references=("https://github.com/kubernetes/ingress-nginx/issues/7837",),
)
def ingress_nginx_snippets(resource: Resource) -> Verdicts:
    """
    What it finds: An Ingress with a snippet annotation of ingress-nginx, or an alias or path of it that holds configuration syntax or Lua; and a
        ConfigMap of the controller that allows snippet annotations.
    Why it matters: The text is written into the controller's configuration. It can read the account token of the controller, which sees all Secrets.
    How to fix: Remove the snippets, set allow-snippet-annotations: "false", and move to a controller that is maintained.
    Exceptions: Clusters in which only administrators may write Ingresses.
    """
    if resource.kind == "ConfigMap":
        field = resource.field("data", "allow-snippet-annotations")
        if field.text == "true":
            yield Failure(field, f"ConfigMap {resource.name} lets every Ingress write into nginx's configuration")
        return
    for key, annotation in resource.field("metadata", "annotations").entries():
        name = key.removeprefix(_NGINX)
        if name == key or name not in _NGINX_RISKY:
            continue
        if name in _SNIPPETS:
            yield Failure(annotation, f"Ingress {resource.name} writes {name} into nginx's configuration")
        elif re.search(r"[{};#\n]|\blua", annotation.text):
            yield Failure(annotation, f"Ingress {resource.name} smuggles configuration into {name}")


@pod_rule(
    "ingress-nginx-eol",
    "ingress-nginx gets no more fixes",
    # High: it stands at the edge, and holes that are found now stay open.
    Severity.HIGH,
    category="vuln",
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0292"},
    references=("https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",),
)
def ingress_nginx_eol(pod: Pod) -> Verdicts:
    """
    What it finds: A workload that runs the controller of the Kubernetes project's ingress-nginx.
    Why it matters: The project was retired in March 2026: no releases, no security fixes, for the component that talks to the Internet.
    How to fix: Move to a Gateway API implementation or another maintained controller.
    Exceptions: The controllers of other makers that are also called nginx.
    """
    for container in pod.containers:
        if re.search(r"(?:^|/)ingress-nginx/controller(?:-chroot)?$|(?:^|/)nginx-ingress-controller$", _image(container).repository):
            yield Failure(container["image"], f"{container} runs ingress-nginx, which was retired", container=container.name)


@container_rule(
    "git-sync-injection",
    "git-sync runs commands from its settings",
    # High: whoever may set the variable runs commands with the pod's account.
    Severity.HIGH,
    category="supply-chain",
    confidence=Confidence.MEDIUM,
    aliases={"checkov": "CKV_K8S_159"},
)
def git_sync_injection(container: Container) -> Verdicts:
    """
    What it finds: A git-sync container that sets the program to be run as Git (GITSYNC_GIT or --git) or a hook command of its own.
    Why it matters: The value is a program that git-sync starts with the rights of the pod, so a change of a setting is a change of code.
    How to fix: Remove the setting; the image's own git is found without it.
    Exceptions: Hooks that are part of a reviewed image.
    """
    if _image(container).name != "git-sync":
        return
    for variable in container["env"].items():
        if variable["name"].text in ("GITSYNC_GIT", "GIT_SYNC_GIT", "GITSYNC_EXECHOOK_COMMAND", "GIT_SYNC_EXECHOOK_COMMAND"):
            yield Failure(variable, f"{container} starts the program in {variable['name'].text}")
    for name in ("command", "args"):
        for item in container[name].items():
            if re.match(r"--?(git|exechook-command|sync-hook-command)(=|$)", item.text):
                yield Failure(item, f"{container} starts a program of its settings: {item.text.partition('=')[0]}")


@container_rule(
    "cve-2021-25741",
    "subPath mount on a kubelet that may follow links out (CVE-2021-25741)",
    # Medium: only old kubelets follow them; the manifest cannot tell which one runs it.
    Severity.MEDIUM,
    category="vuln",
    confidence=Confidence.LOW,
    by_default=False,
    aliases={"kubescape": "C-0058"},
    references=("https://github.com/kubernetes/kubernetes/issues/104980",),
)
def cve_2021_25741(container: Container) -> Verdicts:
    """
    What it finds: A volumeMount with subPath or subPathExpr.
    Why it matters: Kubelets before 1.19.15, 1.20.11, 1.21.5 and 1.22.2 can be raced into mounting any directory of the node.
    How to fix: Update the kubelets; until then avoid subPath on volumes that the container can write.
    Exceptions: Every cluster of a version that is still supported.
    """
    for mount in container["volumeMounts"].items():
        for name in ("subPath", "subPathExpr"):
            if mount[name].text:
                yield Failure(mount[name], f"{container} mounts a part of volume {mount['name'].text}")


@container_rule(
    "cve-2022-24348",
    "Argo CD with path traversal (CVE-2022-24348)",
    # High: a chart of one team reads the secrets of another.
    Severity.HIGH,
    category="vuln",
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0081"},
    references=("https://nvd.nist.gov/vuln/detail/CVE-2022-24348",),
)
def cve_2022_24348(container: Container) -> Verdicts:
    """
    What it finds: An Argo CD image whose tag is before 2.1.9, or 2.2 before 2.2.4.
    Why it matters: A crafted chart reads files of other applications on the repository server.
    How to fix: Update Argo CD.
    Exceptions: None known.
    """
    yield from _outdated(container, ("argocd",), ((2, 1, 9), (2, 2, 4)), "Argo CD", "CVE-2022-24348")


@container_rule(
    "cve-2022-39328",
    "Grafana with authentication bypass (CVE-2022-39328)",
    # Critical: anybody reaches what asks for a login.
    Severity.CRITICAL,
    category="vuln",
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0090"},
    references=("https://nvd.nist.gov/vuln/detail/CVE-2022-39328",),
)
def cve_2022_39328(container: Container) -> Verdicts:
    """
    What it finds: A Grafana image with tag 9.2.0 up to 9.2.3.
    Why it matters: Under load one request may be answered with the rights of another: a race lets strangers past the login.
    How to fix: Update Grafana to 9.2.4 or newer.
    Exceptions: None known.
    """
    version = _image(container).version
    if _image(container).name in ("grafana", "grafana-oss", "grafana-enterprise") and (9, 2, 0) <= version < (9, 2, 4):
        yield Failure(container["image"], f"{container} runs Grafana {_dotted(version)}, which has CVE-2022-39328")


@container_rule(
    "cve-2022-47633",
    "Kyverno that admits unsigned images (CVE-2022-47633)",
    # High: the signature check can be talked out of.
    Severity.HIGH,
    category="vuln",
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0091"},
    references=("https://nvd.nist.gov/vuln/detail/CVE-2022-47633",),
)
def cve_2022_47633(container: Container) -> Verdicts:
    """
    What it finds: A Kyverno image with tag 1.8.3 or 1.8.4.
    Why it matters: A registry can show Kyverno a signed image and hand out another one.
    How to fix: Update Kyverno to 1.8.5 or newer.
    Exceptions: None known.
    """
    version = _image(container).version
    if _image(container).name == "kyverno" and (1, 8, 3) <= version < (1, 8, 5):
        yield Failure(container["image"], f"{container} runs Kyverno {_dotted(version)}, which has CVE-2022-47633")


@resource_rule(
    "outdated-k8s",
    "Node runs a version of Kubernetes without support",
    # Medium: known holes stay open.
    Severity.MEDIUM,
    category="vuln",
    kinds=("Node",),
    aliases={"kubescape": "C-0273"},
    references=("https://kubernetes.io/releases/",),
    parameters={"oldest_supported": "The oldest minor version that still gets fixes."},
)
def outdated_k8s(resource: Resource, *, oldest_supported: str = "1.35") -> Verdicts:
    """
    What it finds: A Node whose kubelet is older than the oldest minor version that gets fixes.
    Why it matters: Holes that become known are fixed in the newest minor versions only, for about fourteen months each.
    How to fix: Upgrade the cluster, one minor version at a time.
    Exceptions: Distributions that support old versions for longer.
    """
    oldest = tuple(int(part) for part in oldest_supported.removeprefix("v").split(".")[:2])
    field = resource.field("status", "nodeInfo", "kubeletVersion")
    version = _numbers(field.text)[:2]
    if version and version < oldest:
        yield Failure(field, f"Node {resource.name} runs Kubernetes {field.text}, which gets no more fixes")


@resource_rule(
    "cve-2022-0185",
    "Node's kernel lets containers out (CVE-2022-0185)",
    # High: a container with CAP_SYS_ADMIN in a user namespace becomes root on the node.
    Severity.HIGH,
    category="vuln",
    kinds=("Node",),
    confidence=Confidence.LOW,
    by_default=False,
    aliases={"kubescape": "C-0079"},
    references=("https://nvd.nist.gov/vuln/detail/CVE-2022-0185",),
)
def cve_2022_0185(resource: Resource) -> Verdicts:
    """
    What it finds: A Node with a Linux kernel from 5.1 up to 5.16.1.
    Why it matters: A heap overflow in the kernel lets a process in a container become root on the node.
    How to fix: Update the node's kernel.
    Exceptions: Kernels of distributions that have the fix in an older version; the version alone cannot tell, hence the low confidence.
    """
    field = resource.field("status", "nodeInfo", "kernelVersion")
    if (5, 1) <= _numbers(field.text)[:3] < (5, 16, 2):
        yield Failure(field, f"Node {resource.name} runs kernel {field.text}, which may have CVE-2022-0185")


@resource_rule(
    "cve-2022-23648",
    "Node's containerd shows files of the node (CVE-2022-23648)",
    # High: an image reads any file of the node.
    Severity.HIGH,
    category="vuln",
    kinds=("Node",),
    aliases={"kubescape": "C-0087"},
    references=("https://nvd.nist.gov/vuln/detail/CVE-2022-23648",),
)
def cve_2022_23648(resource: Resource) -> Verdicts:
    """
    What it finds: A Node with containerd before 1.4.13, 1.5 before 1.5.10 or 1.6 before 1.6.1.
    Why it matters: An image with a crafted volume path gets a copy of any file of the node.
    How to fix: Update containerd.
    Exceptions: None known.
    """
    field = resource.field("status", "nodeInfo", "containerRuntimeVersion")
    version = _numbers(field.text.removeprefix("containerd://"))
    if field.text.startswith("containerd://") and _before(version, ((1, 4, 13), (1, 5, 10), (1, 6, 1))):
        yield Failure(field, f"Node {resource.name} runs {field.text}, which has CVE-2022-23648")


@resource_rule(
    "cve-2022-3172",
    "Aggregated API server may redirect clients (CVE-2022-3172)",
    # Low: it needs an aggregated server that is hostile.
    Severity.LOW,
    category="vuln",
    kinds=("APIService",),
    confidence=Confidence.LOW,
    by_default=False,
    aliases={"kubescape": "C-0089"},
    references=("https://github.com/kubernetes/kubernetes/issues/112513",),
)
def cve_2022_3172(resource: Resource) -> Verdicts:
    """
    What it finds: An APIService that is served by a Service of the cluster.
    Why it matters: API servers before 1.22.14, 1.23.11, 1.24.5 and 1.25.1 follow its redirects and hand the client's credentials on.
    How to fix: Update the API server, and know who runs each aggregated API.
    Exceptions: Every cluster of a version that is still supported.
    """
    field = resource.field("spec", "service")
    if field.is_set:
        yield Failure(field, f"APIService {resource.name} is served by {field['namespace'].text}/{field['name'].text}")


def _image(container: Container) -> Image:
    reference = container["image"].text.partition("@")[0]
    head, _, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return Image(name.lower(), f"{head}/{name}".lower().lstrip("/"), _numbers(tag))


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``v2.1.9-alpine`` is (2, 1, 9); () when it starts with none."""
    match = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _before(version: tuple[int, ...], fixed: tuple[tuple[int, ...], ...]) -> bool:
    """Whether a version lacks the fix, given the first fixed version of each branch, oldest first."""
    if len(version) < 2:
        return False
    return next((version < first for first in fixed if version[:2] <= first[:2]), False)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _outdated(container: Container, names: tuple[str, ...], fixed: tuple[tuple[int, ...], ...], what: str, vulnerability: str) -> Iterator[Failure]:
    image = _image(container)
    if image.name in names and _before(image.version, fixed):
        yield Failure(container["image"], f"{container} runs {what} {_dotted(image.version)}, which has {vulnerability}")
