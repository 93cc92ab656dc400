"""What a finding is about. The JSON carries the kind of target in ``type``."""

from msgspec import Struct


class ResourceTarget(Struct, frozen=True, tag_field="type", tag="resource"):
    """A Kubernetes object; ``container`` is empty where the finding is about the object as a whole."""

    kind: str
    name: str
    namespace: str = ""
    api_version: str = ""
    container: str = ""
    cluster: str = ""

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}"


class ImageTarget(Struct, frozen=True, tag_field="type", tag="image"):
    """A container image, by the reference it was asked for and the digest it was found under."""

    reference: str
    digest: str = ""

    def __str__(self) -> str:
        return self.reference


class PackageTarget(Struct, frozen=True, tag_field="type", tag="package"):
    """A software package by its package URL; ``image`` where it was found in one."""

    purl: str
    image: str = ""

    def __str__(self) -> str:
        return self.purl


class FileTarget(Struct, frozen=True, tag_field="type", tag="file"):
    """A file that is judged as a file (a Dockerfile, a key, a configuration)."""

    path: str

    def __str__(self) -> str:
        return self.path


class NodeTarget(Struct, frozen=True, tag_field="type", tag="node"):
    """A node of a cluster."""

    name: str
    cluster: str = ""

    def __str__(self) -> str:
        return f"Node {self.name}"


class SubjectTarget(Struct, frozen=True, tag_field="type", tag="subject"):
    """Somebody who acts on the API: ``kind`` is ``User``, ``Group`` or ``ServiceAccount``."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}"


class EventTarget(Struct, frozen=True, tag_field="type", tag="event"):
    """A recorded event, by its source and its place in the input (from 0)."""

    source: str
    index: int

    def __str__(self) -> str:
        return f"{self.source} event {self.index}"


Target = ResourceTarget | ImageTarget | PackageTarget | FileTarget | NodeTarget | SubjectTarget | EventTarget
