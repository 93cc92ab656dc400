"""Images: what their references tell, without looking at the images.

A reference is judged wherever a pod has one: in each container and in each volume of type ``image``.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from seawall.core.fix import Plan, Set
from seawall.core.image_reference import DOCKER_HUB, ImageReference, parse_image_reference
from seawall.core.pod import Pod
from seawall.core.resource import Field
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import pod_rule

_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/"


class _Image(Struct, frozen=True):
    """An image that a pod uses: ``user`` says for what, ``container`` is empty for a volume."""

    field: Field
    pull_policy: Field
    user: str
    container: str
    reference: ImageReference


def _images(pod: Pod) -> Iterator[_Image | Unjudged]:
    for container in pod.containers:
        yield _image(container["image"], container["imagePullPolicy"], str(container), container.name)
    for volume in pod.spec["volumes"].items():
        if volume["image"].is_set:
            yield _image(volume["image"]["reference"], volume["image"]["pullPolicy"], f"volume {volume['name'].text}", "")


def _image(field: Field, pull_policy: Field, user: str, container: str) -> _Image | Unjudged:
    if not field.text.strip():
        return Unjudged(field, f"{user} names no image")
    try:
        return _Image(field, pull_policy, user, container, parse_image_reference(field.text))
    except ValueError as error:
        return Unjudged(field, f"{user}: {error}")


@pod_rule(
    "image-latest",
    "Image tag is missing or latest",
    # Medium: what runs is not what was reviewed, and nobody can tell later what it was.
    Severity.MEDIUM,
    category="image",
    aliases={
        "kubeaudit": "ImageTagMissing ImageTagIncorrect",
        "kube-linter": "latest-tag",
        "kube-score": "container-image-tag",
        "polaris": "tagNotSpecified",
        "trivy": "KSV-0013",
        "checkov": "CKV_K8S_14",
        "kics": "invalid_image",
    },
    references=(_IMAGES,),
    parameters={"tags": "tags that move with every release"},
)
def image_latest(pod: Pod, *, tags: Sequence[str] = ("latest",)) -> Verdicts:
    """
    What it finds: An image without a tag, which means latest, or with the tag latest, and without a digest.
    Why it matters: The tag moves. A restarted pod may run other code than its neighbour, a rollback brings nothing back, and a scan of the image
        says nothing about what runs tomorrow.
    How to fix: Name a version, better still with its digest: app:1.4.2@sha256:...
    Exceptions: None worth keeping; with a digest the tag is only a label, and is not reported.
    """
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
        elif not image.reference.digest and image.reference.effective_tag in tags:
            tag = f"the moving tag {image.reference.tag}" if image.reference.tag else "no tag, which means latest"
            yield Failure(image.field, f"{image.user} uses {image.field.text} with {tag}", container=image.container)


@pod_rule(
    "image-digest",
    "Image is not pinned by digest",
    # Low: whoever can push to the repository can change what runs here; that takes a breach somewhere else first.
    Severity.LOW,
    category="image",
    by_default=False,  # asks for an update bot to go with it
    aliases={"kubescape": "C-0306", "checkov": "CKV_K8S_43", "kics": "image_without_digest"},
    references=(_IMAGES,),
)
def image_digest(pod: Pod) -> Verdicts:
    """
    What it finds: An image reference without a digest (@sha256:...).
    Why it matters: A tag is a name that the owner of the repository can move at any time, and so can whoever steals a push token. A digest is
        the content itself: the runtime refuses anything else.
    How to fix: Append the digest of the image that was tested, and let an update bot keep it current.
    Exceptions: Registries that refuse to move a tag, and clusters whose admission resolves tags or checks signatures.
    """
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
        elif not image.reference.digest:
            yield Failure(image.field, f"{image.user} uses {image.field.text} without a digest", container=image.container)


@pod_rule(
    "image-pull-always",
    "Image is not pulled for every start",
    # Low: an old copy of a moved tag keeps running; on a node of several tenants also an image that the pod has no credentials for.
    Severity.LOW,
    category="image",
    by_default=False,  # image-latest and digests are the better answer
    aliases={
        "kube-score": "container-image-pull-policy",
        "polaris": "pullPolicyNotAlways",
        "kubescape": "C-0075",
        "checkov": "CKV_K8S_15",
        "kics": "image_pull_policy_of_container_is_not_always",
    },
    controls={"cis-docker-1.6": "5.28"},
    references=(f"{_IMAGES}#image-pull-policy", "https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages"),
)
def image_pull_always(pod: Pod) -> Verdicts:
    """
    What it finds: An image named by a tag whose pull policy, given or by default, is not Always. The default is Always for the tag latest and for
        no tag, else IfNotPresent.
    Why it matters: A node that has the tag already does not look again: after the tag was moved, to close a hole for example, some pods run the
        old image. And a pod may use what another tenant pulled, without having the credentials for it.
    How to fix: Set imagePullPolicy: Always; unchanged layers are not fetched again. Or pin the image by digest.
    Exceptions: Images with a digest are not reported: their content cannot change, so that a copy is as good as the original. Nodes without
        access to a registry.
    """
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
            continue
        policy, tag = image.pull_policy, image.reference.effective_tag
        effective = policy.value if policy.is_set else "Always" if tag == "latest" else "IfNotPresent"
        if effective != "Always" and not image.reference.digest:
            message = f"{image.user} uses {image.field.text} with the pull policy {effective}{'' if policy.is_set else ', the default'}"
            yield Failure(policy, message, Plan("set the pull policy to Always", (Set(policy, "Always"),)), image.container, also=(image.field,))


_PATTERNS = "registries, with a path or without, such as registry.example/team or *.registry.example; * stands for any part of a name between slashes"


@pod_rule(
    "image-registry-allow",
    "Image is not from an allowed registry",
    # Medium: anything may be in it; that it was let in is a gap in the supply chain, not yet a hole in the workload.
    Severity.MEDIUM,
    category="image",
    by_default=False,  # only you know the list
    aliases={"trivy": "KSV-0125 KSV-0032 KSV-0033 KSV-0035", "kubescape": "C-0078"},
    controls={"cis-gke-1.9.0": "5.1.4", "cis-docker-1.6": "4.2"},
    references=(_IMAGES,),
    parameters={"registries": _PATTERNS},
)
def image_registry_allow(pod: Pod, *, registries: Sequence[str] = ()) -> Verdicts:
    """
    What it finds: An image from none of the registries that you allow. An entry covers what lies below it, part by part: registry.example/team
        covers registry.example/team/app and not registry.example/team-b/app. Docker Hub is docker.io, its official images docker.io/library.
    Why it matters: Images from anywhere are programs from anyone. A short list of registries, where images are built, scanned and signed by your
        rules, is the first gate of a supply chain.
    How to fix: Copy the image into a registry of yours, and name it from there; or add the registry to the list.
    Exceptions: None by default. Without a list nothing can be judged, and the rule says so.
    """
    if not registries:
        yield Unjudged(pod.spec["containers"], "no registry is allowed yet: set the parameter registries of image-registry-allow")
        return
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
        elif not any(_covers(pattern, image.reference) for pattern in registries):
            yield Failure(image.field, f"{image.user} uses {image.reference.name}, which is in no allowed registry", container=image.container)


@pod_rule(
    "image-registry-deny",
    "Image is from a denied or public registry",
    # Low: on a public registry everybody can publish, which says little about this image. Raise it where the list is your own.
    Severity.LOW,
    category="image",
    by_default=False,  # most begin with public images
    aliases={"trivy": "KSV-0034", "kubescape": "C-0001"},
    references=(_IMAGES,),
    parameters={"registries": _PATTERNS},
)
def image_registry_deny(
    pod: Pod,
    *,
    registries: Sequence[str] = (
        # Where anybody can publish after signing up, or without.
        "docker.io",
        "*.docker.io",
        "registry.hub.docker.com",
        "ghcr.io",
        "public.ecr.aws",
        "quay.io",
        "registry.gitlab.com",
        "ttl.sh",
    ),
) -> Verdicts:
    """
    What it finds: An image from a registry that you deny; by default from one where anybody can publish. An entry covers what lies below it, part
        by part, as in image-registry-allow. A name without registry is on Docker Hub.
    Why it matters: Typing errors and abandoned accounts on public registries are taken over and filled with miners and stealers, and images there
        disappear, or are rationed, when you need them.
    How to fix: Mirror what you need into a registry of your own, pinned by digest.
    Exceptions: Publishers that you trust: take their registry off the list, and name the others by path (docker.io/somebody).
    """
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
        elif any(_covers(pattern, image.reference) for pattern in registries):
            yield Failure(image.field, f"{image.user} uses {image.reference.name} from a denied registry", container=image.container)


@pod_rule(
    "image-registry-old",
    "Image is from a retired registry",
    # Low: it still answers, but gets no updates, and one day it will not answer.
    Severity.LOW,
    category="image",
    aliases={"kubescape": "C-0253"},
    references=("https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/",),
    parameters={"registries": _PATTERNS},
)
def image_registry_old(pod: Pod, *, registries: Sequence[str] = ("k8s.gcr.io", "gcr.io/google-containers", "gcr.io/google_containers")) -> Verdicts:
    """
    What it finds: An image from k8s.gcr.io, the registry of the Kubernetes project until 2023, or from the names it had before.
    Why it matters: It was frozen on 3 April 2023: new releases, security fixes among them, are in registry.k8s.io only. The redirection that still
        serves the old name is a favour and may end.
    How to fix: Replace k8s.gcr.io by registry.k8s.io; the repositories have the same names. Then move to a release that is maintained.
    Exceptions: A private mirror that answers to the old name.
    """
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
        elif any(_covers(pattern, image.reference) for pattern in registries):
            new = f"registry.k8s.io/{image.reference.repository}"
            moved = str(image.reference).replace(image.reference.name, new, 1)
            plan = Plan(f"use {new}", (Set(image.field, moved),)) if _host(image.reference.registry) == "k8s.gcr.io" else None
            yield Failure(image.field, f"{image.user} uses {image.reference.name} from a retired registry", plan, image.container)


@pod_rule(
    "sandbox-image-provenance",
    "Agent sandbox runs an image that can change",
    # Medium: whoever moves the tag decides what runs beside code that nobody has read.
    Severity.MEDIUM,
    category="supply-chain",
    aliases={"kubescape": "C-0304"},
    references=(_IMAGES,),
    parameters={"registries": f"{_PATTERNS}; any registry when empty"},
)
def sandbox_image_provenance(pod: Pod, *, registries: Sequence[str] = ()) -> Verdicts:
    """
    What it finds: A Sandbox or SandboxTemplate of agents.x-k8s.io with an image that is not pinned by digest, or that is from none of the registries
        that you allow.
    Why it matters: A sandbox is trusted to hold what a model wrote. Its image is the wall, and a tag lets somebody else change the wall.
    How to fix: Pin the image by digest (name@sha256:...), from a registry of yours.
    Exceptions: None known.
    """
    if not pod.resource.group.endswith("agents.x-k8s.io"):
        return
    for image in _images(pod):
        if isinstance(image, Unjudged):
            yield image
        elif registries and not any(_covers(pattern, image.reference) for pattern in registries):
            yield Failure(image.field, f"{image.user} uses {image.reference.name}, which is in no allowed registry", container=image.container)
        elif not image.reference.digest:
            yield Failure(image.field, f"{image.user} uses {image.field.text}, which its registry may replace", container=image.container)


def _covers(pattern: str, reference: ImageReference) -> bool:
    """Whether a reference is at ``pattern`` or below it, compared part by part, so that ``registry.example/team`` does not cover ``team-b``."""
    host, *path = pattern.strip("/").split("/")
    wanted, have = [_host(host), *path], [_host(reference.registry), *reference.repository.split("/")]
    return len(wanted) <= len(have) and all(part == name or fnmatchcase(name, part) for part, name in zip(wanted, have, strict=False))


def _host(registry: str) -> str:
    """Host names have no case, and 443 is the port anyway."""
    host = registry.lower().removesuffix(":443")
    return DOCKER_HUB if host == "index.docker.io" else host
