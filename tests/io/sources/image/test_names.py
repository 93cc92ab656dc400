"""Names of files: one normal path for each, never one that leads out of the root."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.io.sources.image.names import leaves_root, normal, shown

NAMES = st.text("./ab", max_size=12)


def twin(name: str) -> tuple[str, bool]:
    parts: list[str] = []
    leaves = False
    for part in name.split("/"):
        if part == "..":
            leaves = leaves or not parts
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts), leaves


@given(NAMES)
def test_normal_as_the_twin(name: str) -> None:
    assert normal(name) == twin(name)[0]


@given(NAMES)
def test_leaves_root_as_the_twin(name: str) -> None:
    assert leaves_root(name) == twin(name)[1]


@given(st.text())
def test_what_is_shown_is_one_printable_line(name: str) -> None:
    assert shown(name).isprintable()
    assert shown(name).encode() or not name
