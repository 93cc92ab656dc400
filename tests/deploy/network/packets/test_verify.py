"""The engine against real packets."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from seawall.app.cli.network_verify import command
from seawall.core.errors import UsageError
from seawall.deploy.network.model import Cluster
from seawall.deploy.network.packets.plan import plan
from seawall.deploy.network.packets.ruleset import ruleset
from seawall.deploy.network.packets.verify import compare, verify
from seawall.deploy.network.reach import reach
from seawall.io.netns.network import Network
from seawall.io.netns.probes import Probe, send
from tests.deploy.network.objects import documents, loaded
from tests.deploy.network.packets.available import needs_packets, why_not
from tests.deploy.network.packets.clusters import any_clusters
from tests.deploy.network.packets.test_plan import pods, policy
from tests.deploy.network.packets.test_ruleset import SHOP


@needs_packets
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_clusters)
def test_packets_meet_what_the_matrix_says(cluster: Cluster) -> None:
    try:
        found = verify(cluster, 20, 6)
    except UsageError as error:
        assert "nothing to test" in str(error)  # noqa: PT017 - any other is a failure
        return
    assert found.probes > 0
    assert not found.mismatches


@needs_packets
def test_a_matrix_of_other_policies_is_found_out() -> None:
    """What the engine says of a cluster with policies, and packets in one where a policy is missing."""
    objects = documents(SHOP)
    cluster, other = loaded(objects).cluster, loaded([*objects[:2], *objects[3:]]).cluster
    judged = reach(cluster)
    chosen = plan(cluster, judged, 10, 16)
    probes = [Probe(source, destination, *item) for source, destination in chosen.pairs() for item in chosen.ports[destination]]
    with Network(chosen.router, [station.address for station in chosen.stations], ruleset(other, chosen.stations)) as network:
        found = list(compare(judged, chosen, probes, send(network, probes)))
    assert {(item.expected, item.seen) for item in found} == {("denied", "allowed")}
    assert {item.dst for item in found} == {"shop/db"}
    assert {(item.protocol, item.port) for item in found if item.src == "shop/web"} == {
        ("TCP", 80),
        ("TCP", 7999),
        ("TCP", 8011),
        ("TCP", 9999),
        ("UDP", 9999),
    }


def test_a_single_pod_without_an_outside_is_nothing_to_test() -> None:
    cluster = loaded([]).cluster
    with pytest.raises(UsageError, match="nothing to test"):
        verify(cluster, 10, 10)


def test_a_test_without_end_is_refused() -> None:
    many = [{"port": port} for port in range(1, 20_000, 2)]
    cluster = loaded([*pods(30), policy("p", "a", ingress=[{"ports": many}])]).cluster
    with pytest.raises(UsageError, match="--max-pods"):
        verify(cluster, 30, 10_000)


@needs_packets
def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    result = CliRunner().invoke(command, [str(file), "--format", "json"])
    document = msgspec.json.decode(result.stdout)
    assert result.exit_code == 0
    assert document["probes"] > document["pairs"] > 0
    assert document["mismatches"] == document["errors"] == []
    assert any("SCTP" in item for item in document["not_tested"])
    assert document["seconds"] > 0
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 0
    assert "packets and engine agree" in result.stdout
    file.write_text(SHOP + "---\nkind: [\n")
    assert CliRunner().invoke(command, [str(file)]).exit_code == 3


DROPPED = """
import os, sys
from click.testing import CliRunner
from seawall.app.cli.network_verify import command
import seawall.app.network, seawall.deploy.network.packets.verify  # all that another user may not be allowed to read
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
result = CliRunner().invoke(command, ["-"], input=sys.stdin.read())
print(type(result.exception).__name__, result.exception)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_without_root_one_line_says_so() -> None:
    result = subprocess.run([sys.executable, "-c", DROPPED], input=SHOP, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.startswith("UsageError packets need ")
    assert result.stdout.count("\n") == 1
    if not why_not():
        assert "root" in result.stdout


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("seawall.io.netns.programs._PLACES", str(tmp_path))
    with pytest.raises(UsageError, match="iproute2"):
        verify(loaded(pods(2)).cluster, 10, 10)
