"""``seawall detect serve``: audit events from the API server's webhook."""

import signal
import ssl
import sys
import threading

import click
import msgspec

from seawall.core.errors import InputError, UsageError


@click.command(
    epilog="""\b
Examples:
  seawall detect serve --listen :8443 --cert tls.crt --key tls.key --client-ca ca.crt
  seawall detect serve --listen 127.0.0.1:8080 --plain
"""
)
@click.option("--listen", default="127.0.0.1:8443", show_default=True, metavar="HOST:PORT", help="Where to listen; :PORT is every address.")
@click.option("--cert", metavar="FILE", help="The certificate (PEM), with its chain.")
@click.option("--key", metavar="FILE", help="Its key.")
@click.option("--client-ca", metavar="FILE", help="Only clients with a certificate of this authority may send events.")
@click.option("--plain", is_flag=True, help="HTTP without TLS, on a loopback address only.")
@click.option("--rules", "rules_", multiple=True, metavar="FILE", help="Rule files, in this order, instead of the built-in rules.")
@click.option("--dedup", metavar="TIME", help="Print alerts of one cause once in this time, and then how many there were.")
@click.option("--rate", metavar="N/TIME", help="At most so many alerts of each rule, such as 10/1m.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="json", show_default=True, allow_from_autoenv=False)
def command(
    listen: str,
    cert: str | None,
    key: str | None,
    client_ca: str | None,
    plain: bool,
    rules_: tuple[str, ...],
    dedup: str | None,
    rate: str | None,
    format_: str,
) -> None:
    """Take audit events from the API server's webhook and print alerts, until stopped."""
    from seawall.app import detect  # numpy takes a tenth of a second
    from seawall.app.cli.detect import duration_option, print_alert, rate_option, tell_of_rules
    from seawall.io.sources.audit.webhook import Webhook

    address = _address(listen)
    context = _context(cert, key, client_ca, plain=plain, host=address[0])
    rules = detect.load_rules(rules_)
    tell_of_rules(rules)
    limit, interval = rate_option(rate)
    detection = detect.Detection(rules, detect.Options(dedup=duration_option(dedup, "--dedup"), rate_limit=limit, rate=interval))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        webhook = Webhook(address, context)
    except OSError as error:
        raise UsageError(f"--listen {listen}: {error.strerror or error}") from None
    with webhook:
        host, port = webhook.address
        click.echo(f"listening on {host}:{port} with {len(rules.judged)} rules", err=True)
        refused = 0
        for block in webhook.blocks(stop.is_set):
            if webhook.refused > refused:
                detection.dropped(webhook.refused - refused)
                refused = webhook.refused
            for item in (*detection.take(block), *detection.judge()):
                if isinstance(item, InputError):
                    click.echo(f"seawall: {item}", err=True)
                else:
                    print_alert(item, format_, flush=True)
    for alert in detection.finish():
        print_alert(alert, format_, flush=True)
    sys.stdout.flush()
    counts = msgspec.to_builtins(detection.counts)
    click.echo(", ".join(f"{number:,} {what}" for what, number in {**counts, "refused": webhook.refused}.items() if number) or "no events", err=True)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen: {text!r} is no address; write HOST:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 (asked for by an empty host)


def _context(cert: str | None, key: str | None, client_ca: str | None, *, plain: bool, host: str) -> ssl.SSLContext | None:
    if plain:
        if host not in ("127.0.0.1", "localhost", "::1"):
            raise UsageError("--plain is for loopback addresses only: audit events hold what must not be read on the way")
        return None
    if not cert or not key:
        raise UsageError("--cert and --key are needed for TLS (or --plain, on a loopback address)")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(cert, f"cannot be used with {key} ({error.strerror or error})") from None
    if client_ca:
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            raise InputError(client_ca, str(error.strerror or error)) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context
