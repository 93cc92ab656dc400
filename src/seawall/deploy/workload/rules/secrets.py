"""Secrets: credentials where everybody reads them, and Secrets in the hands of workloads.

What counts as a credential is in :mod:`seawall.core.credentials`.
"""

from collections.abc import Iterator

from seawall.core.credentials import credential_in, credential_in_text
from seawall.core.pod import Container, Pod
from seawall.core.resource import Field, Resource
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule, inventory_rule, pod_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory, name_field

GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"


@container_rule(
    "secret-in-env",
    "Secret in an environment variable",
    # Low: it is out of the manifest already; what remains is that environments leak more easily than files.
    Severity.LOW,
    category="secrets",
    # A matter of taste: most software takes its credentials from the environment and nowhere else.
    by_default=False,
    aliases={
        "kube-linter": "read-secret-from-env-var",
        "kubescape": "C-0207",
        "checkov": "CKV_K8S_35",
        "kics": "secrets_as_environment_variables",
    },
    controls={"cis-kubernetes-1.12": "5.4.1"},
    references=(GOOD_PRACTICES,),
)
def secret_in_env(container: Container) -> Verdicts:
    """
    What it finds: An environment variable with valueFrom.secretKeyRef, or envFrom with a secretRef.
    Why it matters: Child processes inherit the environment, crash reports and debug pages print it, and a changed Secret reaches it only with a new
        pod. A file has none of these.
    How to fix: Mount the Secret as a volume, and let the application read the file; many accept NAME_FILE beside NAME.
    Exceptions: Software that can read a credential from its environment only.
    """
    for item in container["env"].items():
        reference = item.at("valueFrom", "secretKeyRef")
        if reference.is_set:
            yield Failure(reference, f"{container} has Secret {reference['name'].text} in variable {item['name'].text}")
    for item in container["envFrom"].items():
        reference = item["secretRef"]
        if reference.is_set:
            yield Failure(reference, f"{container} has all of Secret {reference['name'].text} in its environment")


@container_rule(
    "secret-literal-env",
    "Credential in the manifest",
    # High: everybody who reads the repository, the object or a backup of etcd has the credential.
    Severity.HIGH,
    category="secrets",
    confidence=Confidence.MEDIUM,
    aliases={"kube-linter": "env-var-secret", "polaris": "sensitiveContainerEnvVar", "kubescape": "C-0012"},
    references=(GOOD_PRACTICES,),
)
def secret_literal_env(container: Container) -> Verdicts:
    """
    What it finds: An environment variable whose value is written into the manifest and is a credential: by its name (DB_PASSWORD, apiToken), or by
        its shape (a private key, an AWS key, a GitHub token, a URL with a password). The value itself is never shown.
    Why it matters: Manifests are read by many, copied, and kept for good in version control. Who may read pods, which view allows, reads the value.
    How to fix: Put the value into a Secret and refer to it, or mount it; then change the credential, because the old one is known.
    Exceptions: References to other variables, placeholders, paths, durations and switches are not found. Default passwords of examples are.
    """
    for item in container["env"].items():
        name, value = item["name"].text, item["value"]
        text = _text(value)
        if text and (what := credential_in(name, text)):
            yield Failure(value, f"{container} has {what} in variable {name}", secret=True)


@resource_rule(
    "configmap-secret",
    "Credential in a ConfigMap",
    # High: ConfigMaps are readable by everybody with view, and unlike Secrets never encrypted for it.
    Severity.HIGH,
    category="secrets",
    kinds=("ConfigMap",),
    confidence=Confidence.MEDIUM,
    aliases={"polaris": "sensitiveConfigmapContent", "trivy": "KSV-0109 KSV-01010", "kubescape": "C-0012"},
    references=(GOOD_PRACTICES, "https://kubernetes.io/docs/concepts/configuration/configmap/"),
)
def configmap_secret(config: Resource) -> Verdicts:
    """
    What it finds: A ConfigMap with a credential in it: an entry whose name promises one, a value that has the shape of one, or a line such as
        password = ... in a file. One finding for each entry; the value itself is never shown.
    Why it matters: The built-in role view reads ConfigMaps and not Secrets; encryption at rest is usually set up for Secrets alone.
    How to fix: Move the entry to a Secret and mount both; then change the credential.
    Exceptions: Placeholders, references, paths and password hashes are not found.
    """
    if config.group:
        return
    for key, field in config.field("data").entries():
        text = _text(field)
        if not text:
            continue
        if what := credential_in(key, text):
            yield Failure(field, f"ConfigMap {config.name} has {what} in {key}", secret=True)
        elif name := credential_in_text(text):
            yield Failure(field, f"ConfigMap {config.name} sets {name} to a literal value in {key}", secret=True)


EXTERNAL_STORES = frozenset({
    # (API group): what keeps Secrets outside and brings them in
    "external-secrets.io", "secrets-store.csi.x-k8s.io", "bitnami.com", "secrets.hashicorp.com", "ricoberger.de", "koudingspawn.de",
    "kubernetes-client.io", "onepassword.com", "secrets.infisical.com", "secrets.doppler.com", "isindir.github.com", "spv.no",
})  # fmt: skip
_MADE_BY_CONTROLLERS = frozenset({
    "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1", "kubernetes.io/tls",
})  # fmt: skip


@inventory_rule(
    "secret-external-store",
    "No external store for Secrets",
    # Info: it is a way of working, not a weakness of this object.
    Severity.INFO,
    category="secrets",
    kinds=("Secret",),
    by_default=False,
    confidence=Confidence.LOW,
    aliases={"kubescape": "C-0208 C-0234", "kics": "using_kubernetes_native_secret_management"},
    controls={"cis-kubernetes-1.12": "5.4.2"},
    references=(GOOD_PRACTICES + "#configure-access-to-external-secrets",),
)
def external_store(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Secret in an input that uses no external store: no object of External Secrets, the Secrets Store CSI driver, Sealed Secrets,
        Vault, 1Password, Infisical or Doppler, and no volume of the CSI driver.
    Why it matters: A Secret that is applied from a file exists in the clear somewhere else, has no rotation and no record of who read it.
    How to fix: Keep the value in a store (Vault, the cloud's secret manager) and let an operator or the CSI driver bring it in.
    Exceptions: Secrets that controllers make (tokens, Helm releases, certificates), and small clusters where it is not worth the effort.
    """
    secrets = [secret for secret in inventory.of_kind("Secret") if not secret.group]
    if not secrets or any(resource.group in EXTERNAL_STORES for resource in inventory.resources) or _uses_store_driver(inventory):
        return
    for secret in secrets:
        if secret.field("type").text not in _MADE_BY_CONTROLLERS:
            yield Failure(name_field(secret), f"Secret {secret.name} is kept in the cluster alone")


def _uses_store_driver(inventory: Inventory) -> bool:
    volumes = (volume for pod in inventory.pods for volume in pod.spec["volumes"].items())
    return any(volume.at("csi", "driver").value == "secrets-store.csi.k8s.io" for volume in volumes)


@pod_rule(
    "secret-mounted",
    "Workload mounts a Secret",
    # Info: this is how Secrets are meant to be used; it tells what an intruder would find.
    Severity.INFO,
    category="secrets",
    by_default=False,
    aliases={"kubescape": "C-0255 C-0259"},
    references=("https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod",),
)
def secret_mounted(pod: Pod) -> Verdicts:
    """
    What it finds: A volume with a Secret, by itself or projected, that a container mounts.
    Why it matters: Whoever gets into the container has what is in the Secret; the list of them says what has to be changed after an intrusion.
    How to fix: Nothing, if the workload needs it. Mount single keys with items, into the one container that reads them.
    Exceptions: It is information.
    """
    for source, name in _mounted(pod, "secret", "secretName"):
        yield Failure(source, f"{pod} mounts Secret {name}")


@pod_rule(
    "configmap-mounted",
    "Workload mounts a ConfigMap",
    # Info: it says which objects steer the workload.
    Severity.INFO,
    category="secrets",
    by_default=False,
    aliases={"kubescape": "C-0258"},
    references=("https://kubernetes.io/docs/concepts/configuration/configmap/#using-configmaps-as-files-from-a-pod",),
)
def configmap_mounted(pod: Pod) -> Verdicts:
    """
    What it finds: A volume with a ConfigMap, by itself or projected, that a container mounts.
    Why it matters: Whoever may change the ConfigMap steers the workload, and whoever gets into the container reads its configuration.
    How to fix: Nothing, if the workload needs it. Make ConfigMaps that hold scripts immutable.
    Exceptions: It is information.
    """
    for source, name in _mounted(pod, "configMap", "name"):
        yield Failure(source, f"{pod} mounts ConfigMap {name}")


def _mounted(pod: Pod, source: str, name_key: str) -> Iterator[tuple[Field, str]]:
    """The sources of this type in the volumes that a container mounts, with the names of their objects."""
    mounted = {mount["name"].text for container in pod.containers for mount in container["volumeMounts"].items()}
    for volume in pod.spec["volumes"].items():
        if volume["name"].text not in mounted:
            continue
        if volume[source].is_set:
            yield volume[source], volume[source][name_key].text
        for part in volume.at("projected", "sources").items():
            if part[source].is_set:
                yield part[source], part[source]["name"].text


def _text(field: Field) -> str:
    """The value as text: a number that somebody forgot to quote is one too."""
    return str(field.value) if type(field.value) in (str, int) else ""
