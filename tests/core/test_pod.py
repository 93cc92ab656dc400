"""One visitor for the pods of every kind, one for their containers: written out examples of each API, inheritance field by field, and odd shapes."""

import gc
import weakref
from typing import Any

import pytest

from seawall.core.pod import CONTAINER_LISTS, POD_TEMPLATES, Pod, malformed, pods
from seawall.core.resource import Resource
from seawall.io.sources.document import Document, Source
from seawall.io.sources.manifests import resources

# Each API as its project documents it; every pod is called by the name of its only container.
EXAMPLES = """
{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}
---
{apiVersion: v1, kind: PodTemplate, template: {spec: {containers: [{name: a}]}}}
---
{apiVersion: v1, kind: ReplicationController, spec: {replicas: 1, template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps/v1, kind: ReplicaSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, spec: {serviceName: s, template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: extensions/v1beta1, kind: Deployment, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: extensions/v1beta1, kind: ReplicaSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: extensions/v1beta1, kind: DaemonSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: batch/v1, kind: CronJob, spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: apps.openshift.io/v1, kind: DeploymentConfig, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: v1, kind: DeploymentConfig, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {strategy: {canary: {}}, template: {spec: {containers: [{name: a}]}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Experiment
spec:
  templates:
  - {name: baseline, template: {spec: {containers: [{name: a}]}}}
  - {name: canary, template: {spec: {containers: [{name: b}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
spec:
  metrics:
  - {name: web, provider: {web: {url: x}}}
  - {name: job, provider: {job: {spec: {backoffLimit: 1, template: {spec: {containers: [{name: a}]}}}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
spec: {metrics: [{name: job, provider: {job: {spec: {template: {spec: {containers: [{name: a}]}}}}}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
spec: {metrics: [{name: job, provider: {job: {spec: {template: {spec: {containers: [{name: a}]}}}}}}]}
---
{apiVersion: serving.knative.dev/v1, kind: Service, spec: {template: {metadata: {name: web-1}, spec: {timeoutSeconds: 300, containers: [{name: a}]}}}}
---
{apiVersion: serving.knative.dev/v1, kind: Configuration, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: serving.knative.dev/v1, kind: Revision, spec: {containerConcurrency: 0, containers: [{name: a}]}}
---
{apiVersion: sources.knative.dev/v1, kind: ContainerSource, spec: {template: {spec: {containers: [{name: a}]}}, sink: {uri: x}}}
---
{apiVersion: sinks.knative.dev/v1alpha1, kind: JobSink, spec: {job: {spec: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps.kruise.io/v1beta1, kind: StatefulSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps.kruise.io/v1alpha1, kind: DaemonSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps.kruise.io/v1alpha1, kind: BroadcastJob, spec: {template: {spec: {containers: [{name: a}]}}}}
---
apiVersion: apps.kruise.io/v1alpha1
kind: AdvancedCronJob
spec: {template: {broadcastJobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}}
---
apiVersion: apps.kruise.io/v1alpha1
kind: UnitedDeployment
spec: {template: {statefulSetTemplate: {metadata: {labels: {x: y}}, spec: {template: {spec: {containers: [{name: a}]}}}}}}
---
apiVersion: game.kruise.io/v1alpha1
kind: GameServerSet
spec: {gameServerTemplate: {spec: {containers: [{name: a}]}, volumeClaimTemplates: []}}
---
{apiVersion: agones.dev/v1, kind: GameServer, spec: {ports: [], template: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: agones.dev/v1, kind: GameServerSet, spec: {template: {spec: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: agones.dev/v1, kind: Fleet, spec: {replicas: 2, template: {spec: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: actions.github.com/v1alpha1, kind: AutoscalingRunnerSet, spec: {template: {spec: {containers: [{name: a}]}}}}
---
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
spec:
  replicatedJobs:
  - {name: leader, template: {spec: {template: {spec: {containers: [{name: a}]}}}}}
  - {name: workers, template: {spec: {template: {spec: {containers: [{name: b}]}}}}}
---
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
spec:
  leaderWorkerTemplate:
    leaderTemplate: {spec: {containers: [{name: a}]}}
    workerTemplate: {spec: {containers: [{name: b}]}}
---
{apiVersion: keda.sh/v1alpha1, kind: ScaledJob, spec: {jobTargetRef: {template: {spec: {containers: [{name: a}]}}}, triggers: []}}
---
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
spec:
  tasks:
  - {name: ps, template: {spec: {containers: [{name: a}]}}}
  - {name: worker, template: {spec: {containers: [{name: b}]}}}
---
{apiVersion: flow.volcano.sh/v1alpha1, kind: JobTemplate, spec: {tasks: [{template: {spec: {containers: [{name: a}]}}}]}}
---
{apiVersion: kubeflow.org/v1, kind: Notebook, spec: {template: {spec: {containers: [{name: a}]}}}}
---
apiVersion: kubeflow.org/v1
kind: PyTorchJob
spec:
  pytorchReplicaSpecs:
    Master: {replicas: 1, template: {spec: {containers: [{name: a}]}}}
    Worker: {replicas: 2, template: {spec: {containers: [{name: b}]}}}
---
{apiVersion: kubeflow.org/v1, kind: TFJob, spec: {tfReplicaSpecs: {Worker: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: kubeflow.org/v2beta1, kind: MPIJob, spec: {mpiReplicaSpecs: {Launcher: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: kubeflow.org/v1, kind: XGBoostJob, spec: {xgbReplicaSpecs: {Master: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: kubeflow.org/v1, kind: PaddleJob, spec: {paddleReplicaSpecs: {Worker: {template: {spec: {containers: [{name: a}]}}}}}}
---
{apiVersion: kubeflow.org/v1, kind: JAXJob, spec: {jaxReplicaSpecs: {Worker: {template: {spec: {containers: [{name: a}]}}}}}}
---
apiVersion: trainer.kubeflow.org/v1alpha1
kind: TrainingRuntime
spec: {template: {spec: {replicatedJobs: [{name: node, template: {spec: {template: {spec: {containers: [{name: a}]}}}}}]}}}
---
apiVersion: trainer.kubeflow.org/v1alpha1
kind: ClusterTrainingRuntime
spec: {template: {spec: {replicatedJobs: [{name: node, template: {spec: {template: {spec: {containers: [{name: a}]}}}}}]}}}
---
apiVersion: ray.io/v1
kind: RayCluster
spec:
  headGroupSpec: {template: {spec: {containers: [{name: a}]}}}
  workerGroupSpecs: [{groupName: g, template: {spec: {containers: [{name: b}]}}}]
---
apiVersion: ray.io/v1
kind: RayJob
spec:
  entrypoint: python x.py
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{name: a}]}}}
    workerGroupSpecs: [{groupName: g, template: {spec: {containers: [{name: b}]}}}]
  submitterPodTemplate: {spec: {containers: [{name: c}]}}
---
apiVersion: ray.io/v1
kind: RayService
spec: {rayClusterConfig: {headGroupSpec: {template: {spec: {containers: [{name: a}]}}}}}
---
{apiVersion: agents.x-k8s.io/v1alpha1, kind: Sandbox, spec: {podTemplate: {spec: {containers: [{name: a}]}}}}
---
{apiVersion: extensions.agents.x-k8s.io/v1alpha1, kind: SandboxTemplate, spec: {podTemplate: {spec: {containers: [{name: a}]}}}}
---
# no kind that we know, but a pod template where Knative's duck type PodSpecable has it
{apiVersion: example.com/v1, kind: Thing, spec: {template: {spec: {containers: [{name: a}]}}}}
"""


def read(text: str) -> list[Resource]:
    found = list(resources(Source("x.yaml", text)))
    assert all(isinstance(item, Resource) for item in found), found
    return [item for item in found if isinstance(item, Resource)]


def pod_of(spec: dict[str, Any] | str) -> Pod:
    text = (
        spec
        if isinstance(spec, str)
        else f"spec: {spec!r}".replace("'", '"').replace("True", "true").replace("False", "false").replace("None", "null")
    )
    [resource] = read(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n{text}\n")
    [pod] = pods(resource)
    return pod


@pytest.mark.parametrize("resource", read(EXAMPLES), ids=lambda resource: f"{resource.group or 'core'}-{resource.kind}")
def test_the_pods_of_every_kind(resource: Resource) -> None:
    names = [container.name for pod in pods(resource) for container in pod.containers]
    assert names == list("abc")[: len(names)]
    assert len(names) == str(resource.data).count("'containers'")


def test_every_kind_has_an_example() -> None:
    assert {(resource.group, resource.kind) for resource in read(EXAMPLES)} >= set(POD_TEMPLATES)


@pytest.mark.parametrize(
    "text",
    [
        "{apiVersion: v1, kind: Service, spec: {template: {spec: {containers: [{name: a}]}}}}",
        "{apiVersion: apps/v1, kind: Pod, spec: {containers: [{name: a}]}}",
        "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}",
        "{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, spec: {template: {spec: {project: x}}}}",
        "{apiVersion: apps/v1, kind: Deployment, spec: {}}",
        "{apiVersion: apps/v1, kind: Deployment, spec: {template: null}}",
        "{apiVersion: apps/v1, kind: Deployment, spec: {template: {metadata: {}}}}",
        "{apiVersion: v1, kind: Pod, spec: null}",
        "{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, spec: {replicatedJobs: null}}",
        "{apiVersion: example.com/v1, kind: Thing, spec: {template: {spec: {containers: many}}}}",
    ],
)
def test_what_makes_no_pod(text: str) -> None:
    [resource] = read(text)
    assert pods(resource) == []


def test_containers_of_all_lists_in_start_order() -> None:
    pod = pod_of("""
spec:
  containers: [{name: app}]
  ephemeralContainers: [{name: debug}]
  initContainers: [{name: setup}, {name: proxy, restartPolicy: Always}, {name: odd, restartPolicy: Never}]
""")
    assert [(container.name, container.list_name, container.is_sidecar, container.stays) for container in pod.containers] == [
        ("setup", "initContainers", False, False),
        ("proxy", "initContainers", True, True),
        ("odd", "initContainers", False, False),
        ("app", "containers", False, True),
        ("debug", "ephemeralContainers", False, False),
    ]
    assert [str(container) for container in pod.containers][2:] == ["init container odd", "container app", "ephemeral container debug"]
    assert [container.field.locate().line for container in pod.containers] == [8, 8, 8, 6, 7]


def test_a_container_of_the_main_list_is_no_sidecar() -> None:
    [container] = pod_of("spec: {containers: [{name: a, restartPolicy: Always}]}").containers
    assert not container.is_sidecar


def test_a_container_without_a_name_is_called_by_its_place() -> None:
    [container] = pod_of("spec: {containers: [{image: x}]}").containers
    assert (container.name, str(container)) == ("", "container spec.containers[0]")


# What a container takes over from its pod. The two lists are those of SecurityContext and PodSecurityContext in the API reference:
# what stands in both is inherited, what stands in one is not.

INHERITED = {
    "runAsUser": (1, 2),
    "runAsGroup": (1, 2),
    "runAsNonRoot": (True, False),
    "seLinuxOptions": ({"level": "s0"}, {"user": "u"}),
    "seccompProfile": ({"type": "Localhost"}, {"type": "Unconfined"}),
    "appArmorProfile": ({"type": "Localhost"}, {"type": "Unconfined"}),
    "windowsOptions": ({"hostProcess": True}, {"hostProcess": False}),
}
ONLY_OF_THE_CONTAINER = ["privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "procMount"]
ONLY_OF_THE_POD = ["fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy", "sysctls", "seLinuxChangePolicy"]


@pytest.mark.parametrize("name", INHERITED)
@pytest.mark.parametrize("list_name", CONTAINER_LISTS)
def test_inherited_fields(name: str, list_name: str) -> None:
    of_pod, own = INHERITED[name]
    pod = pod_of(
        {
            "securityContext": {name: of_pod},
            list_name: [{"name": "a"}, {"name": "b", "securityContext": {name: own}}, {"name": "c", "securityContext": {name: None}}],
        }
    )
    inheriting, having, with_null = (container.effective(name) for container in pod.containers)
    assert (inheriting.value, having.value, with_null.value) == (of_pod, own, of_pod)
    assert inheriting.path == ("spec", "securityContext", name)
    assert having.path == ("spec", list_name, 1, "securityContext", name)


@pytest.mark.parametrize("name", INHERITED)
def test_an_inherited_field_that_is_nowhere_is_missing_in_the_container(name: str) -> None:
    [container] = pod_of({"securityContext": {}, "containers": [{"name": "a"}]}).containers
    assert not container.effective(name).is_set
    assert container.effective(name).path == ("spec", "containers", 0, "securityContext", name)


@pytest.mark.parametrize("name", [*ONLY_OF_THE_CONTAINER, *ONLY_OF_THE_POD])
def test_fields_that_are_not_inherited(name: str) -> None:
    [container] = pod_of({"securityContext": {name: True}, "containers": [{"name": "a"}]}).containers
    assert not container.effective(name).is_set


def test_a_member_is_inherited_of_windows_options_alone() -> None:
    """The kubelet fills windowsOptions up member by member, and takes every other object as it is."""
    pod = pod_of({
        "securityContext": {"windowsOptions": {"hostProcess": True}, "seLinuxOptions": {"user": "u", "role": "r"}},
        "containers": [{"name": "a", "securityContext": {"windowsOptions": {"runAsUserName": "x"}, "seLinuxOptions": {"user": "v"}}}],
    })  # fmt: skip
    [container] = pod.containers
    assert container.effective("windowsOptions", "hostProcess").value is True
    assert container.effective("windowsOptions", "runAsUserName").value == "x"
    assert container.effective("seLinuxOptions", "user").value == "v"
    assert not container.effective("seLinuxOptions", "role").is_set


def test_a_member_of_an_object_that_only_the_pod_has() -> None:
    [container] = pod_of({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [{"name": "a"}]}).containers
    assert container.effective("seccompProfile", "type").value == "RuntimeDefault"


@pytest.mark.parametrize(
    ("spec", "is_windows", "has_user_namespace"),
    [
        ("{os: {name: windows}}", True, False),
        ("{os: {name: linux}, hostUsers: false}", False, True),
        ("{os: windows, hostUsers: true}", False, False),
        ('{nodeSelector: {kubernetes.io/os: windows}, hostUsers: "false"}', False, False),
        ("{os: null, hostUsers: null}", False, False),
        ("{hostUsers: no}", False, True),
    ],
)
def test_windows_and_user_namespaces(spec: str, is_windows: bool, has_user_namespace: bool) -> None:
    pod = pod_of(f"spec: {spec}")
    assert (pod.is_windows, pod.has_user_namespace) == (is_windows, has_user_namespace)


# Shapes that no API server accepts: nothing fails, and nothing is passed over in silence


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("spec: []", ["spec must be a mapping"]),
        ("spec: text", ["spec must be a mapping"]),
        ("spec: {containers: {name: a}}", ["spec.containers must be a list"]),
        ("spec: {initContainers: text, ephemeralContainers: 1}", ["spec.initContainers must be a list", "spec.ephemeralContainers must be a list"]),
        ("spec: {containers: [null, {name: a}, text, [{name: b}]]}", [f"spec.containers[{place}] must be a mapping" for place in (0, 2, 3)]),
        ("spec: {securityContext: [], containers: [{securityContext: yes}]}", [
            "spec.securityContext must be a mapping", "spec.containers[0].securityContext must be a mapping",
        ]),
        ("metadata: [a]\nspec: {containers: [{name: a}]}", ["metadata must be a mapping"]),
        ("metadata: {annotations: text}\nspec: {}", ["metadata.annotations must be a mapping"]),
        ("spec: {containers: null, securityContext: null}", []),
        ("spec: {containers: [{securityContext: null}]}", []),
        ("spec: {}", []),
    ],
)  # fmt: skip
def test_malformed_pods(text: str, problems: list[str]) -> None:
    pod = pod_of(text)
    found = list(malformed(pod))
    assert [message for _, message in found] == problems
    assert all(field.locate().line >= 3 for field, _ in found)
    for container in pod.containers:
        assert not container.effective("runAsNonRoot").is_set
        assert not container["image"].is_set


def test_a_template_of_a_wrong_shape_is_malformed() -> None:
    [resource] = read("{apiVersion: apps/v1, kind: Deployment, spec: {template: [1]}}")
    [pod] = pods(resource)
    assert [message for _, message in malformed(pod)] == ["spec.template must be a mapping"]


def test_well_formed_pods_are_not_malformed() -> None:
    for resource in read(EXAMPLES):
        for pod in pods(resource):
            assert list(malformed(pod)) == []


def test_a_pod_is_gone_when_it_is_no_longer_used() -> None:
    """At once, without the collector: whoever held it would hold the node tree of its whole file."""

    class Watched(Document):
        __slots__ = ("__weakref__",)

    gc.disable()
    try:
        [resource] = read("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}\n")
        positions: Any = resource.positions
        positions.document = Watched(positions.document.source, positions.document.root, 0)
        document = weakref.ref(positions.document)
        for container in pods(resource)[0].containers:
            assert container.pod.containers[0].pod.spec["containers"].is_set
        del resource, positions, container
        assert document() is None
    finally:
        gc.enable()
