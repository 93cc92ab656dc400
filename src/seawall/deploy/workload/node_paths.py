"""What lies where on a node: the paths that rules about hostPath volumes know, as patterns of :mod:`seawall.deploy.workload.host_paths`.

They are defaults of parameters; a policy may put others in their place.
"""

from typing import Final

SOCKETS: Final = (
    # Defaults in the documentation of Docker, containerd, CRI-O, Podman, K3s and RKE2, k0s, cri-dockerd, iSulad and BuildKit.
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/run/cri-dockerd.sock",
    "/run/dockershim.sock",
    "/run/isulad.sock",
    "/run/buildkit/buildkitd.sock",
    "/pipe/docker_engine",
    "/pipe/containerd-containerd",
)
"""Where container runtimes listen."""

DIRECTORIES: Final = (
    # Programs, libraries, configuration and kernel interfaces as in the Filesystem Hierarchy Standard.
    "/bin/**",
    "/boot/**",
    "/dev",
    "/etc/**",
    "/home",
    "/lib/**",
    "/lib32/**",
    "/lib64/**",
    "/proc/**",
    "/root/**",
    "/run",
    "/run/dbus/**",
    "/run/systemd/**",
    "/sbin/**",
    "/sys/**",
    "/usr/**",
    # Where the kubelet, etcd and the container runtimes keep what belongs to all pods.
    "/var/lib/containerd/**",
    "/var/lib/containers/**",
    "/var/lib/docker/**",
    "/var/lib/etcd/**",
    "/var/lib/kubelet/**",
    "/var/lib/rancher/**",
    # Windows nodes.
    "/windows/**",
    "/programdata/docker/**",
    "/programdata/containerd/**",
)
"""What belongs to the operating system and to Kubernetes itself."""

HARMLESS: Final = (
    # Facts that are the same for everybody: time zones, certificates of public authorities, kernel modules and headers.
    "/etc/hostname",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/resolv.conf",
    "/etc/timezone",
    "/etc/ca-certificates/**",
    "/etc/pki/ca-trust/**",
    "/etc/pki/tls/certs/**",
    "/etc/ssl/certs/**",
    "/lib/modules/**",
    "/usr/lib/modules/**",
    "/usr/lib/os-release",
    "/usr/local/share/ca-certificates/**",
    "/usr/share/ca-certificates/**",
    "/usr/share/zoneinfo/**",
    "/usr/src/**",
)
"""What may be read all the same."""

RULES_THE_NODE: Final = (
    # Programs that the node runs as root, and files that tell it what to run.
    "/bin",
    "/boot",
    "/etc",
    "/etc/kubernetes/manifests",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/sbin",
    "/usr",
    "/var/lib/kubelet",
    "/windows",
)
"""To write here is to be root on the node."""

CREDENTIALS: Final = (
    # kubeadm and the kubelet (Kubernetes documentation, "PKI certificates and requirements").
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/scheduler.conf",
    "/etc/kubernetes/pki/**",
    "/var/lib/kubelet/config.json",
    "/var/lib/kubelet/kubeconfig",
    "/var/lib/kubelet/pki/**",
    "/var/lib/kubelet/pods/**",
    "/var/lib/etcd/**",
    # Cloud providers and distributions: AKS, GCE, kubespray, K3s and RKE2, k0s.
    "/etc/kubernetes/azure.json",
    "/etc/kubernetes/cloud-config",
    "/etc/srv/kubernetes/**",
    "/etc/kubernetes/ssl/**",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/rancher/rke2/rke2.yaml",
    "/etc/rancher/node/password",
    "/var/lib/rancher/*/server/**",
    "/var/lib/k0s/pki/**",
    # The command lines of people: AWS, Azure, Google Cloud, Docker, kubectl, SSH.
    *(f"{home}/{name}/**" for home in ("/root", "/home/*") for name in (".aws", ".azure", ".config/gcloud", ".docker", ".kube", ".ssh")),
)
"""Where keys, tokens and kubeconfigs are kept."""

NO_DEVICES: Final = (
    # The devices that the OCI runtime specification gives to every container, shared memory, and the syslog socket.
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/shm/**",  # noqa: S108 (a name, not a file that is made)
    "/dev/mqueue/**",
    "/dev/hugepages/**",
    "/dev/log",
)
"""What lies in ``/dev`` and is no device of this node in particular."""
