"""Kustomizations, rendered by the real ``kustomize build`` or ``kubectl kustomize``, and traced back to their bases, patches and generators.

rendered = render_kustomization("overlays/production")

Nothing is fetched: a base on the network is refused before anything runs. Plugins and Helm stay switched off, and files are only read where
Kustomize's own load restrictor allows it. A second build with origin annotations, through an overlay of our own in an empty directory, tells the file
of each object; its fields are then looked for in the patches, from the outermost overlay inwards, in that file, and in what the overlays set.
"""

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from seawall.core.errors import InputError
from seawall.io.sources.document import Source
from seawall.io.sources.kustomization import MAX_KUSTOMIZATIONS, NAMES, Kustomization, absolute, is_kustomization, layers, references, understood
from seawall.io.sources.kustomize_origins import Came, Identity, KustomizeOrigins, identity_of
from seawall.io.sources.manifests import decode
from seawall.io.sources.rendering import Rendered, Run, find_program, run, user_path, workshop

ADVICE: Final = "install kubectl (https://kubernetes.io/docs/tasks/tools/) or kustomize, or set SEAWALL_KUSTOMIZE to the program"
ORIGIN: Final = "config.kubernetes.io/origin"
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git::|[\w.-]+@[\w.-]+:")
_REPOSITORY: Final = re.compile(r"(?:github|gitlab|bitbucket)\.\w+[/:]|\?(?:ref|version|timeout|submodules)=|\.git(?:/|$)|//")


def render_kustomization(directory: str) -> Rendered:
    """The objects of a kustomization, each under a comment that names the file it comes from.

    Raises ``InputError``, with the file that Kustomize names, where it does not build.
    """
    if not is_kustomization(directory):
        raise InputError(directory, f"is no kustomization: there is no {NAMES[0]}")
    stack = layers(directory)
    if len(stack) >= MAX_KUSTOMIZATIONS:
        raise InputError(directory, f"includes {MAX_KUSTOMIZATIONS:,} kustomizations or more; not built")
    for kustomization in stack:
        _refuse_remote(directory, kustomization)
    program = find_program("SEAWALL_KUSTOMIZE", ["kustomize", "kubectl"], directory, ADVICE)
    target = os.path.realpath(directory)
    text = decode(directory, _build(directory, program, target))
    sources = _sources(directory, program, target)
    return _annotated(directory, text, KustomizeOrigins(directory, sources))


def _refuse_remote(directory: str, kustomization: Kustomization) -> None:
    for path, text in references(kustomization):
        local = os.path.exists(absolute(kustomization.directory, text))
        if text.startswith(("http://", "https://")) or (not local and (_URL.match(text) or _REPOSITORY.search(text))):
            file = user_path(directory, kustomization.file)
            raise InputError(file, f"is not built: {text!r} is on the network; fetch it and name the copy", kustomization.line(path))


def _build(directory: str, program: str, target: str) -> bytes:
    with workshop() as home:
        done = run(directory, _command(program, target), home)
    if done.status:
        raise _error(directory, target, done)
    return done.output


def _command(program: str, target: str) -> list[str]:
    verb = "kustomize" if os.path.basename(program).startswith("kubectl") else "build"
    return [program, verb, target]  # an absolute path is no option


_LOG_LINE: Final = re.compile(r'E\d{4} .*"command failed" err="(.*)"', re.DOTALL)
_WARNING: Final = re.compile(r"^(?:#|warning:|W\d{4} )", re.IGNORECASE)


def _error(directory: str, target: str, done: Run) -> InputError:
    """What Kustomize says, with paths as the user would write them, at the last file that it names."""
    message = " ".join(line.strip() for line in done.message.splitlines() if not _WARNING.match(line))
    if match := _LOG_LINE.search(message):
        message = match[1].replace('\\"', '"').replace("\\n", " ")
    message = message.removeprefix("Error: ").removeprefix("error: ") or f"it ended with status {done.status} and no message"
    named = [path.rstrip("/") for path in re.findall(r"'(/[^']+)'", message)]
    files = [path for path in named if os.path.isfile(path)]
    for path in sorted({*named, target}, key=len, reverse=True):
        message = message.replace(path, user_path(directory, path))
    return InputError(user_path(directory, files[-1]) if files else directory, f"does not build: {message}")


# Which file each object comes from


def _sources(directory: str, program: str, target: str) -> dict[Identity, Came]:
    """By object its origin, asked from Kustomize; empty where it does not say."""
    with workshop() as home:
        if os.path.commonpath([home, target]) == target:
            return {}  # an overlay inside of its own base would be a cycle
        overlay = os.path.join(home, "overlay")
        os.mkdir(overlay)
        with open(os.path.join(overlay, NAMES[0]), "w", encoding="utf-8") as file:
            file.write(f"resources: [{_quoted(os.path.relpath(target, overlay))}]\nbuildMetadata: [originAnnotations]\n")
        done = run(directory, _command(program, overlay), home)
    if done.status:
        return {}
    found: dict[Identity, Came] = {}
    for _, data in understood(Source(directory, decode(directory, done.output))):
        if isinstance(data, dict) and (came := _came(data, overlay)):
            found[identity_of(data)] = came
    return found


def _quoted(text: str) -> str:
    """A text as a YAML scalar that holds any character."""
    return "'" + text.replace("'", "''") + "'"


def _came(data: Mapping[str, Any], overlay: str) -> Came | None:
    metadata = data.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    origin = annotations.get(ORIGIN) if isinstance(annotations, dict) else None
    if not isinstance(origin, str):
        return None
    for _, said in understood(Source(overlay, origin)):
        if isinstance(said, dict) and "repo" not in said:
            for key in ("path", "configuredIn"):
                if isinstance(path := said.get(key), str):
                    return Came(os.path.realpath(os.path.join(overlay, path)), key == "configuredIn")
    return None


def _annotated(directory: str, text: str, origins: "KustomizeOrigins") -> Rendered:
    """The objects, each under a comment with its origin, as Helm writes them."""
    parts: list[str] = []
    source = Source(directory, text)
    found = list(understood(source))
    for place, (document, data) in enumerate(found):
        end = found[place + 1][0].base if place + 1 < len(found) else len(text)
        body = text[document.base : end].removeprefix("---").lstrip("\n")
        came = origins.sources.get(identity_of(data)) if isinstance(data, dict) else None
        comment = f"# Source: {_printable(user_path(directory, came.path))}\n" if came else ""
        parts.append(f"---\n{comment}{body}")
    return Rendered(directory, "".join(parts), origins)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
