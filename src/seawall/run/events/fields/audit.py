"""``ka.*``: a request to the Kubernetes API, as the audit log tells it."""

from seawall.run.events.fields.model import FieldInfo, table

_REQUEST = table("""
ka.auditid                 string   -   id of the event
ka.stage                   string   -   stage of the request: RequestReceived, ResponseStarted, ResponseComplete, Panic
ka.auth.decision           string   -   what authorization decided: allow or forbid
ka.auth.reason             string   -   why it decided so
ka.auth.openshift.decision string   -   what OpenShift's authentication decided
ka.auth.openshift.username string   -   the user who tried to log in to OpenShift
ka.user.name               string   -   who asked
ka.user.groups             string*  ?#  that user's groups
ka.impuser.name            string   -   whom the user impersonated
ka.verb                    string   -   what was asked: get, list, create, ...
ka.uri                     string   -   the URI that the client sent
ka.uri.param               string   !   a query parameter of the URI, by name
ka.target.name             string   -   name of the object
ka.target.namespace        string   -   namespace of the object
ka.target.resource         string   -   resource of the object, such as pods
ka.target.subresource      string   -   subresource, such as exec
ka.target.pod.name         string   -   name of the pod, where it is known
ka.validations.admission.policy.failure string - failure of an admission policy, from the annotations
ka.req.binding.subjects    string*  ?#  whom a binding binds
ka.req.binding.subject.has_name string ! always absent; deprecated
ka.req.binding.role        string   -   the role of a binding
ka.req.configmap.name      string   -   name of a config map
ka.req.configmap.obj       string   -   a config map as text
ka.req.container.image     string   -   image of the first container; deprecated
ka.req.container.image.repository string - repository of the first container's image; deprecated
ka.req.container.host_network string -  older name of ka.req.pod.host_network
ka.req.container.privileged string  -   whether any container is privileged; deprecated
ka.req.pod.host_ipc        string   -   hostIPC of a pod
ka.req.pod.host_network    string   -   hostNetwork of a pod
ka.req.pod.host_pid        string   -   hostPID of a pod
ka.req.pod.run_as_user     string   -   runAsUser of a pod
ka.req.pod.run_as_group    string   -   runAsGroup of a pod
ka.req.pod.fs_group        string   -   fsGroup of a pod
ka.req.pod.supplemental_groups string* ?# supplementalGroups of a pod
ka.req.pod.volumes.hostpath string* ?#  paths of hostPath volumes
ka.req.pod.volumes.flexvolume_driver string* ?# drivers of flexVolume volumes
ka.req.pod.volumes.volume_type string* ?# kinds of volumes
ka.req.volume.hostpath     string   !   whether a volume mounts that path; deprecated
ka.req.role.rules          string*  ?#  rules of a role
ka.req.role.rules.apiGroups string* ?#  API groups in the rules of a role
ka.req.role.rules.nonResourceURLs string* ?# URLs in the rules of a role
ka.req.role.rules.verbs    string*  ?#  verbs in the rules of a role
ka.req.role.rules.resources string* ?#  resources in the rules of a role
ka.req.service.type        string   -   type of a service
ka.req.service.ports       string*  ?#  ports of a service
ka.req.sa.name             string   -   name of a service account
ka.resp.name               string   -   name of the object in the response
ka.response.code           string   -   status code of the response
ka.response.reason         string   -   reason of the response, mostly of failures
ka.useragent               string   -   the program that asked
ka.sourceips               string*  ?#  addresses that the request came from
ka.cluster.name            string   -   name of the cluster, where it is known
""")

_CONTAINERS = """
ka.req.pod.{0}.image                      string* ?# images of {1}
ka.req.pod.{0}.image.repository           string* ?# their repositories
ka.req.pod.{0}.host_port                  string* ?# hostPort of {1}
ka.req.pod.{0}.privileged                 string* ?# privileged of {1}
ka.req.pod.{0}.allow_privilege_escalation string* ?# allowPrivilegeEscalation of {1}
ka.req.pod.{0}.read_only_fs               string* ?# readOnlyRootFilesystem of {1}
ka.req.pod.{0}.run_as_user                string* ?# runAsUser of {1}
ka.req.pod.{0}.eff_run_as_user            string* ?# runAsUser of {1}, else of the pod, else 0
ka.req.pod.{0}.run_as_group               string* ?# runAsGroup of {1}
ka.req.pod.{0}.eff_run_as_group           string* ?# runAsGroup of {1}, else of the pod, else 0
ka.req.pod.{0}.proc_mount                 string* ?# procMount of {1}
ka.req.pod.{0}.add_capabilities           string* ?# capabilities that {1} add
"""

FIELDS: tuple[FieldInfo, ...] = (
    *_REQUEST,
    *table(_CONTAINERS.format("containers", "containers")),
    *table(_CONTAINERS.format("initContainers", "init containers")),
    *table(_CONTAINERS.format("ephemeralContainers", "ephemeral containers")),
)
