"""The benchmark of the network engine: ``python -m bench.network``.

First its own bars, on clusters of growing size. Then it stands beside network-config-analyzer, an independent analyser in Python: both are given the
same folders, as command lines, and take turns; and what they say of every pair of pods is compared. Nothing is asserted.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.clusters import KINDS, Maker
from bench.measure import Measurement, measure
from bench.results import this_machine

Ports = frozenset[tuple[str, int, int]]
"""Ranges of ports: protocol, first and last."""
Pairs = dict[tuple[str, str], Ports]

PROTOCOLS = ("TCP", "UDP", "SCTP")
PEER = "nca"
TIMEOUT = 600.0


@dataclass(frozen=True)
class Scale:
    """A cluster, and the promises for it: seconds of judging, of one changed policy and of one proof, and MiB; None where nothing was promised."""

    pods: int
    policies: int
    kinds: tuple[str, ...] = KINDS
    replicas: int = 5
    judge: float | None = None
    memory: float | None = None
    change: float | None = None
    proof: float | None = None

    @property
    def name(self) -> str:
        kinds = "all kinds" if self.kinds == KINDS else ", ".join(self.kinds)
        return f"{self.pods:,} pods, {self.policies:,} policies, {kinds}{'' if self.replicas > 1 else ', all labels distinct'}"


SCALES = (
    Scale(1_000, 200),
    Scale(10_000, 1_000, ("NetworkPolicy",), judge=1, memory=250, change=0.2, proof=0.05),
    Scale(10_000, 1_000, judge=1, memory=250, change=0.2, proof=0.05),
    Scale(10_000, 1_000, replicas=1),
    Scale(50_000, 3_000, ("NetworkPolicy",), judge=8),
    Scale(50_000, 3_000, judge=8),
)
FOLDERS = ((50, 20), (200, 60), (500, 100))


def scales(runs: int, output: Path) -> Iterator[str]:
    """A row for each size."""
    yield "| cluster | classes | judged (all pairs) | one changed policy | a proof | peak memory | bars |"
    yield "|---|---|---|---|---|---|---|"
    for scale in SCALES:
        command = [sys.executable, "-m", "bench.network_run", str(scale.pods), str(scale.policies), str(scale.replicas), *scale.kinds]
        taken: list[Measurement] = []
        told: list[dict[str, float]] = []
        for _ in range(runs):
            taken.append(measure(command, output, timeout=TIMEOUT, sample=False))
            told.append(json.loads(output.read_bytes()))
        middle = {key: median(one[key] for one in told) for key in told[0]}
        middle["memory"] = max(one.peak_mib for one in taken)
        promised = {"judge": scale.judge, "change": scale.change, "proof": scale.proof, "memory": scale.memory}
        missed = [key for key, bar in promised.items() if bar is not None and middle[key] > bar]
        met = "" if not any(promised.values()) else f"**missed: {', '.join(missed)}**" if missed else "met"
        yield (
            f"| {scale.name} | {middle['classes']:,.0f} | {middle['judge'] + middle['pairs']:.2f} s | {middle['change'] * 1000:.0f} ms "
            f"| {middle['proof'] * 1000:.1f} ms | {middle['memory']:.0f} MiB | {met} |"
        )


def beside(peer: str, runs: int, directory: Path) -> Iterator[str]:
    """A row for each folder: both command lines, from reading to printing."""
    yield "| folder | seawall | network-config-analyzer | times | pairs of pods | different |"
    yield "|---|---|---|---|---|---|"
    for kind in ("NetworkPolicy", "Calico"):
        for pods, policies in FOLDERS:
            folder = write(directory / f"{kind}-{pods}", Maker(pods, policies, (kind,)))
            ours, theirs = _ours(folder), _theirs(peer, folder)
            own, other = [], []
            for _ in range(runs):
                own.append(measure(ours, directory / "own", timeout=TIMEOUT, sample=False).seconds)
                other.append(measure(theirs, directory / "other", timeout=TIMEOUT, sample=False).seconds)
            said, heard = read_ours(directory / "own"), read_theirs(directory / "other")
            yield (
                f"| {kind}: {pods} pods, {policies} policies | {median(own):.2f} s | {median(other):.2f} s | {median(other) / median(own):.1f} "
                f"| {len(said):,} | {len(differences(said, heard)):,} |"
            )


def compare(peer: str, count: int, directory: Path) -> Iterator[str]:
    """Small random clusters, compared pair by pair."""
    for kind in ("NetworkPolicy", "Calico"):
        pairs = different = 0
        for seed in range(count):
            folder = write(directory / "random", Maker(8 + seed % 8, 4 + seed % 5, (kind,), replicas=1 + seed % 2, seed=seed))
            measure(_ours(folder), directory / "own", timeout=TIMEOUT, sample=False)
            measure(_theirs(peer, folder), directory / "other", timeout=TIMEOUT, sample=False)
            said, heard = read_ours(directory / "own"), read_theirs(directory / "other")
            pairs += len(said)
            for pair in differences(said, heard):
                different += 1
                yield f"{kind}, seed {seed}: {pair}: seawall says {sorted(said.get(pair, ()))}, network-config-analyzer {sorted(heard.get(pair, ()))}"
        yield f"{kind}: {count} random clusters, {pairs:,} connected pairs of pods, {different} differences"


def write(folder: Path, maker: Maker) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "cluster.yaml").write_text("---\n".join(f"{json.dumps(item)}\n" for item in maker.objects()))
    return folder


def _ours(folder: Path) -> list[str]:
    return [sys.executable, "-m", "seawall", "network", "list", str(folder), "--format", "json"]


def _theirs(peer: str, folder: Path) -> list[str]:
    return [peer, "--connectivity", str(folder), "-r", str(folder), "--output_format", "txt_no_fw_rules", "--output_endpoints", "pods"]


def read_ours(path: Path) -> Pairs:
    """The pairs of pods in ``seawall.network/v1``."""
    found: Pairs = {}
    for row in json.loads(path.read_bytes())["connections"]:
        src, dst = (row[end].removesuffix("[Pod]") for end in ("src", "dst"))
        if "/" in src and "/" in dst:
            found[src, dst] = _joined((item["protocol"], item["first"], item["last"]) for item in row["ports"])
    return found


_LINE = re.compile(r"(\S+/\S+) => (\S+/\S+) : (.*)")
_PART = re.compile(r"\{protocols:([\w, ]+?)(?:,dst_ports:([\d,-]+))?\}")


def read_theirs(path: Path) -> Pairs:
    """The pairs of pods in the other's text; a pair has a line for each group of ports."""
    found: dict[tuple[str, str], set[tuple[str, int, int]]] = {}
    for line in path.read_text().splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] == match[2]:
            continue
        ranges = set()
        for protocols, ports in _PART.findall(match[3]):
            for protocol in map(str.strip, protocols.split(",")):
                for part in ports.split(",") if ports else ["1-65535"]:
                    first, _, last = part.partition("-")
                    ranges.add((protocol, int(first), int(last or first)))
        if match[3].startswith("All but"):
            ranges = set(_rest(ranges))
        elif match[3].startswith("All connections"):
            ranges = {(protocol, 1, 65535) for protocol in PROTOCOLS}
        found.setdefault((match[1], match[2]), set()).update(item for item in ranges if item[0] in PROTOCOLS)
    return {pair: _joined(ranges) for pair, ranges in found.items() if ranges}


def _rest(taken: set[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    for protocol in PROTOCOLS:
        start = 1
        for _, first, last in sorted(item for item in taken if item[0] == protocol):
            if first > start:
                yield protocol, start, first - 1
            start = max(start, last + 1)
        if start <= 65535:
            yield protocol, start, 65535


def _joined(ranges: object) -> Ports:
    found: list[tuple[str, int, int]] = []
    for protocol, first, last in sorted(ranges):  # type: ignore[call-overload]
        if found and found[-1][0] == protocol and found[-1][2] + 1 >= first:
            found[-1] = (protocol, found[-1][1], max(last, found[-1][2]))
        else:
            found.append((protocol, first, last))
    return frozenset(found)


def differences(said: Pairs, heard: Pairs) -> list[tuple[str, str]]:
    """The pairs of which the two say different things."""
    return [pair for pair in sorted(said.keys() | heard.keys()) if said.get(pair) != heard.get(pair)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.network", description="Measures the network engine, alone and beside a peer.")
    parser.add_argument("--bin", type=Path, metavar="DIR", help="where network-config-analyzer's program, nca, is")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each case (default 3)")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="also compare the answers on N small random clusters of each kind")
    parser.add_argument("--only", choices=("scale", "peer", "random"), action="append", help="only this part (repeatable)")
    options = parser.parse_args()
    parts = options.only or ("scale", "peer", "random")
    peer = shutil.which(PEER, path=str(options.bin) if options.bin else None)
    print(f"{this_machine()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        directory = Path(name)
        if "scale" in parts:
            print(*scales(options.runs, directory / "told"), sep="\n", end="\n\n", flush=True)
        if peer is None:
            print("network-config-analyzer is not installed, and so not compared (pip install network-config-analyzer, best in a place of its own)")
            return
        if "peer" in parts:
            print(*beside(peer, options.runs, directory), sep="\n", end="\n\n", flush=True)
        if "random" in parts:
            print(*compare(peer, options.random, directory), sep="\n", flush=True)


if __name__ == "__main__":
    main()
