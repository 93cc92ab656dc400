"""What was promised of the speed and size of Seawall, and what came of it."""

from collections.abc import Iterator

from bench.corpora import LARGE, ONE, SIZES, START, generated
from bench.results import Bar, Results

TIMES_CHECKOV = 8
GROWTH = 1.25  # of what one more resource costs; measured twice, the same thing differs by as much


def bars(measured: Results) -> Iterator[Bar]:
    """The promises, and what came of them."""
    for case, seconds in ((START, 0.15), (ONE, 0.3), (LARGE, 3.0)):
        result = measured.get(case)
        promise = f"{case}: at most {seconds * 1000:.0f} ms" if seconds < 1 else f"{case}: at most {seconds:.0f} s"
        if result is None or result.seconds is None:
            yield Bar(promise, "not measured", None)
        else:
            yield Bar(promise, f"{result.seconds * 1000:.0f} ms" if seconds < 1 else f"{result.seconds:.2f} s", result.seconds <= seconds)
    large = measured.get(LARGE)
    yield Bar(f"{LARGE}: at most 200 MiB", f"{large.peak_mib:.0f} MiB" if large else "not measured", large.peak_mib <= 200 if large else None)
    yield _against_checkov(measured)
    for shape in ("files", "documents"):
        yield _linear(measured, shape)


def _against_checkov(measured: Results) -> Bar:
    """The least of the ratios counts: faster everywhere, not on average."""
    ratios = {}
    for peer in measured.results:
        own = measured.get(peer.case)
        if peer.tool == "checkov" and peer.seconds and own and own.seconds:
            ratios[peer.case] = peer.seconds / own.seconds
    promise = f"at least {TIMES_CHECKOV} times faster than checkov, in every case"
    if not ratios:
        return Bar(promise, "not measured", None)
    least = min(ratios, key=ratios.__getitem__)
    return Bar(promise, f"{ratios[least]:.1f} times ({least}) to {max(ratios.values()):.1f} times", ratios[least] >= TIMES_CHECKOV)


def _linear(measured: Results, shape: str) -> Bar:
    """Linear means: what one more resource costs does not grow. Start-up is the same at every size, and drops out of the differences."""
    promise = f"time grows linearly to {SIZES[-1]:,} {shape}: a further one costs no more than before (within {GROWTH - 1:.0%})"
    seconds = [result.seconds for size in SIZES if (result := measured.get(generated(size, shape))) and result.seconds]
    if len(seconds) < len(SIZES):
        return Bar(promise, "not measured", None)
    each = [1000 * (seconds[place + 1] - seconds[place]) / (SIZES[place + 1] - SIZES[place]) for place in range(len(SIZES) - 1)]
    return Bar(promise, " ms, then ".join(f"{cost:.2f}" for cost in each) + " ms each", each[-1] <= GROWTH * each[0])
