"""``seawall advisories``: the advisory database, and questions to it."""

import csv
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import click
import msgspec

from seawall.app.cli.main import EXIT_INCOMPLETE
from seawall.core.errors import UsageError

SIGNS: Final = {-1: "<", 0: "=", 1: ">"}
UNREADABLE: Final = "?"
MOST_PROBLEMS: Final = 20

database_option = click.option(
    "--db", "database", envvar="SEAWALL_DB", metavar="FILE", help="The advisory database.  [default: in the user's data directory]"
)
format_option = click.option(
    "-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False
)


@click.group(
    epilog="""\b
Examples:
  seawall advisories update                              download what is new, and build the database
  seawall advisories status                              how old it is, and what is in it
  seawall advisories match pkg:pypi/django@4.2.0         what is known against a package
  seawall advisories compare Debian 1.0~rc1 1.0          which version is newer
"""
)
def command() -> None:
    """The advisory database: update it, build it from files, ask it."""


@command.command(
    epilog="""\b
Examples:
  seawall advisories compare PyPI 1.0rc1 1.0
  cut -f1,2 pairs.tsv | seawall advisories compare Debian -
"""
)
@click.argument("ecosystem")
@click.argument("versions", nargs=-1, required=True, metavar="A B | -")
def compare(ecosystem: str, versions: tuple[str, ...]) -> None:
    """Print <, = or > for two versions of an ECOSYSTEM (as OSV names it), or for each line A<TAB>B of standard input."""
    from seawall.build.advisories.versions import scheme_of  # sixteen orders, for those who compare

    scheme = scheme_of(ecosystem)
    if len(versions) == 2:
        click.echo(SIGNS[scheme.says(*versions)])
        return
    if versions != ("-",):
        raise UsageError("compare takes two versions, or - to read lines of A<TAB>B")
    out = sys.stdout
    for number, line in enumerate(_lines(), 1):
        one, tab, other = line.partition("\t")
        if not tab:
            click.echo(f"seawall: line {number}: no tab between two versions", err=True)
        out.write((SIGNS[scheme.says(one, other)] if tab else UNREADABLE) + "\n")


def _lines() -> Iterator[str]:
    """The lines of standard input. What is no UTF-8 keeps its bytes."""
    for line in sys.stdin.buffer:
        yield line.decode(errors="surrogateescape").rstrip("\r\n")


@command.command(
    epilog="""\b
Examples:
  seawall advisories build --from feeds/ --output advisories.db
"""
)
@click.option("--from", "sources", multiple=True, required=True, metavar="DIR", help="Directory or archive with feeds (repeatable).")
@click.option("--output", "-o", metavar="FILE", help="The database to write.  [default: in the user's data directory]")
@format_option
@click.pass_context
def build(context: click.Context, sources: tuple[str, ...], output: str | None, format_: str) -> None:
    """Build the database from feeds that were downloaded: OSV and its exports, distributions' trackers, KEV, EPSS, end-of-life dates."""
    from seawall.app.advisories import default_database
    from seawall.build.advisories.build import build_database

    path = output or default_database(create=True)
    started = time.perf_counter()
    report = build_database(sources, path, _progress(context))
    seconds = time.perf_counter() - started
    if format_ == "json":
        _print_json({"database": path, "report": report})
        return
    click.echo(f"{path}: {sum(feed.records for feed in report.feeds)} records of {len(report.feeds)} feeds in {seconds:.1f} s")
    _tell_feeds(report.feeds)


def _tell_feeds(feeds: Any) -> None:
    width = max((len(feed.name) for feed in feeds), default=0)
    for feed in feeds:
        problems = f", {feed.problems} not understood" if feed.problems else ""
        newest = f", newest {feed.newest[:10]}" if feed.newest else ""
        click.echo(f"  {feed.name.ljust(width)}  {feed.records:>7} records{newest}{problems}")


def _progress(context: click.Context) -> Any:
    """A function that tells how far a long work is, on a terminal only."""
    if context.obj["quiet"] or not sys.stderr.isatty():
        return None

    def tell(what: str, count: int) -> None:
        click.echo(f"\r\x1b[K{what}: {count}", nl=False, err=True)

    return tell


@command.command(
    epilog="""\b
Examples:
  seawall advisories update
  seawall advisories update --mirror https://mirror.example/seawall     an HTTP mirror
  seawall advisories update --mirror /mnt/mirror                        a directory, for sites without a network
  seawall advisories update --list                                      what would be downloaded
"""
)
@click.option("--mirror", envvar="SEAWALL_MIRROR", metavar="URL|DIR", help="Take all files from below this address or directory.")
@click.option("--sources", metavar="FILE", help="CSV of file and url, instead of the public addresses.")
@click.option("--only", multiple=True, metavar="FILE", help="Update only this file of the list (repeatable).")
@click.option("--list", "list_", is_flag=True, help="Print the files and their addresses, and do nothing.")
@click.option("--wait", type=float, default=0, metavar="SECONDS", help="Wait for another update that is running.")
@click.option("--ca-file", metavar="FILE", help="Certificates to trust beside the system's.")
@database_option
@click.pass_context
def update(
    context: click.Context,
    mirror: str | None,
    sources: str | None,
    only: tuple[str, ...],
    list_: bool,
    wait: float,
    ca_file: str | None,
    database: str | None,
) -> None:
    """Download the feeds that have changed, and build the database anew. What fails half-way leaves the old one as it was."""
    from seawall.app.advisories import addresses, default_database, update_database

    wanted = addresses(sources, mirror, only)
    if list_:
        for item in wanted:
            click.echo(f"{item.name}\t{item.url}")
        return
    path = database or default_database(create=True)
    outcome = update_database(wanted, path, wait=wait, ca_file=ca_file, progress=_progress(context))
    for failure in outcome.failures:
        click.echo(f"seawall: {failure}", err=True)
    click.echo(f"{path}: {outcome.summary}")
    context.exit(EXIT_INCOMPLETE if outcome.failures else 0)


@command.command()
@database_option
@format_option
def status(database: str | None, format_: str) -> None:
    """How old the database is, and what is in it."""
    from seawall.app.advisories import age, default_database
    from seawall.build.advisories.database import open_database

    path = database or default_database()
    with open_database(path) as opened:
        found = opened.status()
    if format_ == "json":
        _print_json({"database": path, "size": os.path.getsize(path), "age_days": round(age(found.built), 2), "status": found})
        return
    click.echo(f"{path}: built {found.built[:19].replace('T', ' ')} UTC, {age(found.built):.1f} days ago, {os.path.getsize(path) / 1e6:.0f} MB")
    _tell_feeds(found.feeds)


@command.command(
    epilog="""\b
Examples:
  seawall advisories match pkg:pypi/django@4.2.0 "pkg:deb/debian/openssl@3.0.11-1?distro=debian-12"
  seawall sbom image:nginx --format json | jq -r '.packages[].purl' | seawall advisories match --format json -
"""
)
@click.argument("purls", nargs=-1, required=True, metavar="PURL... | -")
@database_option
@format_option
@click.pass_context
def match(context: click.Context, purls: tuple[str, ...], database: str | None, format_: str) -> None:
    """What is known against packages, one line for each purl."""
    from seawall.app.matching import ask

    given = list(_lines()) if purls == ("-",) else list(purls)
    failed = False
    for answer in ask(given, database):
        failed = failed or bool(answer.get("error"))
        if format_ == "json":
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        else:
            click.echo(_sentence(answer))
    sys.stdout.flush()
    context.exit(EXIT_INCOMPLETE if failed else 0)


@command.command(
    epilog="""\b
Examples:
  seawall advisories fleet inventory.csv > found.csv     columns image and purl in, image, purl and vulnerability out
"""
)
@click.argument("inventory", metavar="FILE")
@database_option
@click.option("-f", "--format", "format_", type=click.Choice(["csv", "json"]), default="csv", show_default=True, allow_from_autoenv=False)
def fleet(inventory: str, database: str | None, format_: str) -> None:
    """Match all packages of a fleet at once: FILE (or -) is a CSV with the columns image and purl. Needs the extra fleet (DuckDB)."""
    from seawall.app.matching import fleet_rows

    problems: dict[str, str] = {}
    rows = fleet_rows(inventory, database, problems)
    if format_ == "json":
        for image, purl, vulnerability in rows:
            sys.stdout.buffer.write(msgspec.json.encode({"image": image, "purl": purl, "vulnerability": vulnerability}) + b"\n")
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("image", "purl", "vulnerability"))
        writer.writerows(rows)
    sys.stdout.flush()
    for purl, reason in list(problems.items())[:MOST_PROBLEMS]:
        click.echo(f"seawall: not evaluated: {purl}: {reason}", err=True)
    if len(problems) > MOST_PROBLEMS:
        click.echo(f"seawall: {len(problems) - MOST_PROBLEMS} more packages were not evaluated", err=True)


def _sentence(answer: dict[str, Any]) -> str:
    if answer.get("error"):
        return f"{answer['purl']}: {answer['error']}"
    found = [
        f"{item['id']} ({item['severity']}{', fixed in ' + ', '.join(item['fixed']) if item['fixed'] else ', no fix'})"
        for item in answer["vulnerabilities"]
    ]
    return f"{answer['purl']}: {', '.join(found) or answer.get('reason') or 'nothing is known'}"


def _print_json(document: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
