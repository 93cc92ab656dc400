"""``container.*``, ``k8s.*`` and ``proc.is_container_*``: the container of the process, and its pod."""

from seawall.run.events.fields.model import table

FIELDS = table("""
container.id                string   -   the first 12 characters of the id; host outside of containers
container.full_id           string   -   the whole id
container.name              string   -   name of the container
container.image             string   -   image with tag
container.image.id          string   -   id of the image
container.image.repository  string   -   image without tag
container.image.tag         string   -   tag of the image
container.image.digest      string   -   digest of the image
container.type              string   -   runtime: docker, containerd, cri-o, ...
container.privileged        bool     -   whether it runs privileged
container.mounts            string   -   all mounts as source:destination:mode:rdwr:propagation
container.mount             string   !   one mount, by number or source
container.mount.source      string   !   source of a mount, by number or destination
container.mount.dest        string   !   destination of a mount, by number or source
container.mount.mode        string   !   mode of a mount, by number or source
container.mount.rdwr        string   !   whether a mount can be written, by number or source
container.mount.propagation string   !   propagation of a mount, by number or source
container.healthcheck       string   -   command of the health check
container.liveness_probe    string   -   command of the liveness probe
container.readiness_probe   string   -   command of the readiness probe
container.start_ts          time     -   when it began, nanoseconds since 1970
container.duration          duration -   since it began
container.ip                string   -   its address
container.cni.json          string   -   what the network plugin answered
container.host_pid          bool     -   whether it shares the process namespace of the host
container.host_network      bool     -   whether it shares the network of the host
container.host_ipc          bool     -   whether it shares the IPC namespace of the host
container.label             string   !.  a label, by name
container.labels            string   -   all labels as one text
proc.is_container_healthcheck     bool - whether the process is part of the health check
proc.is_container_liveness_probe  bool - whether the process is part of the liveness probe
proc.is_container_readiness_probe bool - whether the process is part of the readiness probe
k8s.pod.name            string   -   name of the pod
k8s.pod.id              string   -   the same as k8s.pod.uid; deprecated
k8s.pod.uid             string   -   uid of the pod
k8s.pod.sandbox_id      string   -   id of the sandbox, 12 characters
k8s.pod.full_sandbox_id string   -   id of the sandbox
k8s.pod.label           string   !.  a label of the pod, by name
k8s.pod.labels          string   -   labels of the pod as one text
k8s.pod.ip              string   -   address of the pod
k8s.pod.cni.json        string   -   what the network plugin answered for the pod
k8s.ns.name             string   -   namespace of the pod
k8s.ns.id               string   -   uid of the namespace
k8s.ns.label            string   !.  a label of the namespace, by name
k8s.ns.labels           string   -   labels of the namespace as one text
k8s.rc.name             string   -   replication controller; deprecated
k8s.rc.id               string   -   its uid; deprecated
k8s.rc.label            string   !.  a label of it; deprecated
k8s.rc.labels           string   -   its labels; deprecated
k8s.svc.name            string   -   service; deprecated
k8s.svc.id              string   -   its uid; deprecated
k8s.svc.label           string   !.  a label of it; deprecated
k8s.svc.labels          string   -   its labels; deprecated
k8s.rs.name             string   -   replica set; deprecated
k8s.rs.id               string   -   its uid; deprecated
k8s.rs.label            string   !.  a label of it; deprecated
k8s.rs.labels           string   -   its labels; deprecated
k8s.deployment.name     string   -   deployment; deprecated
k8s.deployment.id       string   -   its uid; deprecated
k8s.deployment.label    string   !.  a label of it; deprecated
k8s.deployment.labels   string   -   its labels; deprecated
""")
