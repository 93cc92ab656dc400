"""What is scanned: real manifests, the same ones many times over, and generated ones in any number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "data" / "corpus"
SAMPLE = ROOT / "examples" / "shop" / "payments.yaml"
APP = Path(__file__).with_name("app.yaml")
APPS_PER_NAMESPACE = 10

START, ONE, LARGE = "`--help`", "one manifest", "kube-prometheus x 20"
SIZES = (1_000, 5_000, 20_000)


@dataclass(frozen=True)
class Case:
    """Something for every tool to do: to scan ``target``, or only to start, where there is none."""

    name: str
    target: Path | None


def cases(corpus: Path, directory: Path) -> Iterator[Case]:
    """All cases. What has to be written for them goes into ``directory``; real manifests that are absent are left out."""
    corpus = corpus.resolve()  # checkov takes a path with ".." in it for a hidden one, and finds nothing there
    yield Case(START, None)
    yield Case(ONE, SAMPLE)
    for name in ("examples", "kubernetes-goat", "kube-prometheus"):
        if (corpus / name).is_dir():
            yield Case(name, corpus / name)
    if (corpus / "kube-prometheus" / "manifests").is_dir():
        multiply(corpus / "kube-prometheus" / "manifests", 20, directory / "x20")
        yield Case(LARGE, directory / "x20")
    for count in SIZES:
        generate_files(count, directory / f"{count}")
        yield Case(generated(count, "files"), directory / f"{count}")
    for count in SIZES:
        generate_stream(count, directory / f"{count}.yaml")
        yield Case(generated(count, "documents"), directory / f"{count}.yaml")


def generated(count: int, shape: str) -> str:
    """The name of the case with this many generated objects, as ``files`` or as ``documents`` of one file."""
    return f"{count:,} {shape}"


def multiply(manifests: Path, copies: int, target: Path) -> None:
    """Write the manifests of a directory (not of those below it) many times, each copy as an installation in a namespace of its own."""
    texts = {path.name: path.read_text() for path in sorted(manifests.glob("*.yaml"))}
    for copy in range(copies):
        directory = target / f"{copy:02}"
        directory.mkdir(parents=True)
        for name, text in texts.items():
            (directory / name).write_text(re.sub(r"(?m)^( *)namespace: (\S+)$", rf"\1namespace: \2-{copy:02}", text))


def generate_files(count: int, target: Path) -> None:
    """Write this many objects into files of their own."""
    target.mkdir(parents=True)
    for number, text in enumerate(_objects(count)):
        (target / f"{number:05}.yaml").write_text(text)


def generate_stream(count: int, target: Path) -> None:
    """Write this many objects as the documents of one file."""
    target.write_text("---\n".join(_objects(count)))


def _objects(count: int) -> Iterator[str]:
    documents = APP.read_text().split("---\n")
    for number in range(count):
        app = number // len(documents)
        names = {"name": f"app-{app}", "namespace": f"team-{app // APPS_PER_NAMESPACE}"}
        yield Template(documents[number % len(documents)]).substitute(names)
