"""The pods that an object makes, and their containers: the one visitor of each kind, so that no rule walks a pod by itself.

Sources: the Kubernetes API reference (PodTemplateSpec, PodSpec, Container) and the references of the custom workloads named in
``POD_TEMPLATES``.
"""

from collections.abc import Iterator
from typing import Final

from seawall.core.resource import Field, Path, Resource

POD_TEMPLATES: Final[dict[tuple[str, str], tuple[Path, ...]]] = {
    # (API group, kind): where its pod templates stand; "*" is every item of a list or every value of a mapping.
    ("", "Pod"): ((),),
    ("", "PodTemplate"): (("template",),),
    ("", "ReplicationController"): (("spec", "template"),),
    ("apps", "Deployment"): (("spec", "template"),),
    ("apps", "ReplicaSet"): (("spec", "template"),),
    ("apps", "StatefulSet"): (("spec", "template"),),
    ("apps", "DaemonSet"): (("spec", "template"),),
    ("extensions", "Deployment"): (("spec", "template"),),
    ("extensions", "ReplicaSet"): (("spec", "template"),),
    ("extensions", "DaemonSet"): (("spec", "template"),),
    ("batch", "Job"): (("spec", "template"),),
    ("batch", "CronJob"): (("spec", "jobTemplate", "spec", "template"),),
    ("apps.openshift.io", "DeploymentConfig"): (("spec", "template"),),
    ("", "DeploymentConfig"): (("spec", "template"),),
    ("argoproj.io", "Rollout"): (("spec", "template"),),  # missing where spec.workloadRef names a Deployment, which is judged itself
    ("argoproj.io", "Experiment"): (("spec", "templates", "*", "template"),),
    ("argoproj.io", "AnalysisTemplate"): (("spec", "metrics", "*", "provider", "job", "spec", "template"),),
    ("argoproj.io", "ClusterAnalysisTemplate"): (("spec", "metrics", "*", "provider", "job", "spec", "template"),),
    ("argoproj.io", "AnalysisRun"): (("spec", "metrics", "*", "provider", "job", "spec", "template"),),
    ("serving.knative.dev", "Service"): (("spec", "template"),),
    ("serving.knative.dev", "Configuration"): (("spec", "template"),),
    ("serving.knative.dev", "Revision"): ((),),
    ("sources.knative.dev", "ContainerSource"): (("spec", "template"),),
    ("sinks.knative.dev", "JobSink"): (("spec", "job", "spec", "template"),),
    ("apps.kruise.io", "CloneSet"): (("spec", "template"),),
    ("apps.kruise.io", "StatefulSet"): (("spec", "template"),),
    ("apps.kruise.io", "DaemonSet"): (("spec", "template"),),
    ("apps.kruise.io", "BroadcastJob"): (("spec", "template"),),
    ("apps.kruise.io", "AdvancedCronJob"): (
        ("spec", "template", "jobTemplate", "spec", "template"),
        ("spec", "template", "broadcastJobTemplate", "spec", "template"),
    ),
    ("apps.kruise.io", "UnitedDeployment"): (("spec", "template", "*", "spec", "template"),),
    ("game.kruise.io", "GameServerSet"): (("spec", "gameServerTemplate"),),
    ("agones.dev", "GameServer"): (("spec", "template"),),
    ("agones.dev", "GameServerSet"): (("spec", "template", "spec", "template"),),
    ("agones.dev", "Fleet"): (("spec", "template", "spec", "template"),),
    ("actions.github.com", "AutoscalingRunnerSet"): (("spec", "template"),),
    ("jobset.x-k8s.io", "JobSet"): (("spec", "replicatedJobs", "*", "template", "spec", "template"),),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): (
        ("spec", "leaderWorkerTemplate", "leaderTemplate"),
        ("spec", "leaderWorkerTemplate", "workerTemplate"),
    ),
    ("keda.sh", "ScaledJob"): (("spec", "jobTargetRef", "template"),),
    ("batch.volcano.sh", "Job"): (("spec", "tasks", "*", "template"),),
    ("flow.volcano.sh", "JobTemplate"): (("spec", "tasks", "*", "template"),),
    ("kubeflow.org", "Notebook"): (("spec", "template"),),
    ("kubeflow.org", "PyTorchJob"): (("spec", "pytorchReplicaSpecs", "*", "template"),),
    ("kubeflow.org", "TFJob"): (("spec", "tfReplicaSpecs", "*", "template"),),
    ("kubeflow.org", "MPIJob"): (("spec", "mpiReplicaSpecs", "*", "template"),),
    ("kubeflow.org", "XGBoostJob"): (("spec", "xgbReplicaSpecs", "*", "template"),),
    ("kubeflow.org", "PaddleJob"): (("spec", "paddleReplicaSpecs", "*", "template"),),
    ("kubeflow.org", "JAXJob"): (("spec", "jaxReplicaSpecs", "*", "template"),),
    ("trainer.kubeflow.org", "TrainingRuntime"): (("spec", "template", "spec", "replicatedJobs", "*", "template", "spec", "template"),),
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"): (("spec", "template", "spec", "replicatedJobs", "*", "template", "spec", "template"),),
    ("ray.io", "RayCluster"): (("spec", "headGroupSpec", "template"), ("spec", "workerGroupSpecs", "*", "template")),
    ("ray.io", "RayJob"): (
        ("spec", "rayClusterSpec", "headGroupSpec", "template"),
        ("spec", "rayClusterSpec", "workerGroupSpecs", "*", "template"),
        ("spec", "submitterPodTemplate"),
    ),
    ("ray.io", "RayService"): (
        ("spec", "rayClusterConfig", "headGroupSpec", "template"),
        ("spec", "rayClusterConfig", "workerGroupSpecs", "*", "template"),
    ),
    ("agents.x-k8s.io", "Sandbox"): (("spec", "podTemplate"),),
    ("extensions.agents.x-k8s.io", "SandboxTemplate"): (("spec", "podTemplate"),),
}

POD_SPECABLE: Final[tuple[Path, ...]] = (("spec", "template"),)
"""Where any other custom resource has its pod template if it has one: Knative's PodSpecable duck type."""

CONTAINER_LISTS: Final = ("initContainers", "containers", "ephemeralContainers")

_INHERITED: Final = frozenset(
    # The fields of a container's securityContext that default to the pod's (PodSecurityContext in the API reference), each as a whole
    # but for windowsOptions, of which the kubelet takes over member by member.
    {"runAsUser", "runAsGroup", "runAsNonRoot", "seLinuxOptions", "seccompProfile", "appArmorProfile", "windowsOptions"}
)


class Container:
    """One container of a pod. ``list_name`` is the list it stands in, one of :data:`CONTAINER_LISTS`."""

    __slots__ = ("field", "list_name", "pod", "security_context")

    def __init__(self, pod: "Pod", field: Field, list_name: str) -> None:
        self.pod = pod
        self.field = field
        self.list_name = list_name
        self.security_context = field["securityContext"]

    def __getitem__(self, key: str) -> Field:
        return self.field[key]

    @property
    def name(self) -> str:
        return self.field["name"].text

    @property
    def is_sidecar(self) -> bool:
        """An init container that keeps running beside the others (``restartPolicy: Always``, KEP-753)."""
        return self.list_name == "initContainers" and self.field["restartPolicy"].text == "Always"

    @property
    def stays(self) -> bool:
        """Whether it lives as long as the pod, so that probes mean something for it."""
        return self.list_name == "containers" or self.is_sidecar

    def effective(self, name: str, *members: str) -> Field:
        """A field of the security context as it will apply: the container's own, else the pod's, else the missing one of the container."""
        own = self.security_context.at(name, *members)
        if own.is_set or name not in _INHERITED or (self.security_context[name].is_set and name != "windowsOptions"):
            return own
        inherited = self.pod.security_context.at(name, *members)
        return inherited if inherited.is_set else own

    def __str__(self) -> str:
        kind = {"containers": "container", "initContainers": "init container", "ephemeralContainers": "ephemeral container"}[self.list_name]
        return f"{kind} {self.name}" if self.name else f"{kind} {self.field}"


class Pod:
    """A pod, or the template of one. ``field`` is the Pod or PodTemplateSpec."""

    __slots__ = ("_containers", "field", "metadata", "resource", "security_context", "spec")

    def __init__(self, field: Field) -> None:
        self.resource = field.resource
        self.field = field
        self.metadata = field["metadata"]
        self.spec = field["spec"]
        self.security_context = self.spec["securityContext"]
        self._containers: tuple[Container, ...] | None = None

    @property
    def containers(self) -> tuple[Container, ...]:
        """The containers of all three lists, in start order."""
        if self._containers is None:
            # They know a twin of their pod: in a circle of references the whole object, its file and its node tree would outlive their use.
            twin = Pod(self.field)
            self._containers = tuple(
                Container(twin, item, list_name) for list_name in CONTAINER_LISTS for item in self.spec[list_name].items() if type(item.value) is dict
            )
        return self._containers

    @property
    def is_windows(self) -> bool:
        """``spec.os.name: windows`` (KEP-2802): the Linux fields of the security context must be left alone."""
        return self.spec.at("os", "name").text == "windows"

    @property
    def has_user_namespace(self) -> bool:
        """``hostUsers: false`` (KEP-127): root in the container is nobody on the node."""
        return self.spec["hostUsers"].value is False

    @property
    def annotations(self) -> Field:
        return self.metadata["annotations"]

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.resource.name}"


def pods(resource: Resource) -> list[Pod]:
    """The pods that an object is or makes; none for kinds without a pod template. What is no pod at all is told by :func:`malformed`."""
    paths = POD_TEMPLATES.get((resource.group, resource.kind))
    if paths is not None:
        return [Pod(field) for path in paths for field in _expand(resource.root, path) if _may_be_pod(field)]
    if "." not in resource.group:
        return []
    templates = (resource.root.at(*path) for path in POD_SPECABLE)
    return [Pod(field) for field in templates if any(type(item.value) is dict for item in field.at("spec", "containers").items())]


def malformed(pod: Pod) -> Iterator[tuple[Field, str]]:
    """The parts of a pod whose shape no API server accepts, so that the rules below them saw nothing."""
    for field in (pod.field, pod.metadata, pod.annotations, pod.spec, pod.security_context):
        if field.is_set and type(field.value) is not dict:
            yield field, f"{field} must be a mapping"
    for list_name in CONTAINER_LISTS:
        containers = pod.spec[list_name]
        if containers.is_set and type(containers.value) is not list:
            yield containers, f"{containers} must be a list"
        for item in containers.items():
            context = item["securityContext"]
            if type(item.value) is not dict:
                yield item, f"{item} must be a mapping"
            elif context.is_set and type(context.value) is not dict:
                yield context, f"{context} must be a mapping"


def _may_be_pod(field: Field) -> bool:
    """A template without a spec makes no pod, whereas one with a spec of a wrong shape was meant to."""
    return field["spec"].is_set or (field.is_set and type(field.value) is not dict)


def _expand(field: Field, path: Path) -> Iterator[Field]:
    for place, key in enumerate(path):
        if key == "*":
            for child in (*field.items(), *(child for _, child in field.entries())):
                yield from _expand(child, path[place + 1 :])
            return
        field = field[key]
    yield field
