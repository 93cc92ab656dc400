"""What a server asks for in ``WWW-Authenticate``.

    WWW-Authenticate = #challenge
    challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
    auth-param       = token BWS "=" BWS ( token / quoted-string )

Challenges and parameters are both separated by commas, so one can be told from the other only by what follows the word. Several headers are
joined by commas before they come here.

Source: RFC 9110, 11.2, 11.3 and 5.6. Some servers leave the quotes off an address; such a value goes up to the next comma or blank.
"""

import re
from typing import Final

from msgspec import Struct

_GAP: Final = re.compile(r"[ \t,]*")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_EQUALS: Final = re.compile(r"[ \t]*=[ \t]*")
_VALUE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",]+)', re.DOTALL)
_TOKEN68: Final = re.compile(r"[ \t]+([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|$)")
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


class Challenge(Struct, frozen=True):
    """``scheme`` and the names of ``parameters`` are in lower case. A token68 is left out: no scheme that we speak has one."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """The challenges in the order of the header. What follows something malformed is left out."""
    found: list[Challenge] = []
    place = 0
    while word := _TOKEN.match(header, _skip(header, place)):
        place = word.end()
        equals = _EQUALS.match(header, place)
        if found and equals and (value := _VALUE.match(header, equals.end())):
            text = _QUOTED_PAIR.sub(r"\1", value[1]) if value[1] is not None else value[2]
            found[-1].parameters.setdefault(word[0].lower(), text)
            place = value.end()
        elif equals:
            break
        else:
            found.append(Challenge(word[0].lower(), {}))
            if credential := _TOKEN68.match(header, place):
                place = credential.end()
    return tuple(found)


def _skip(header: str, place: int) -> int:
    gap = _GAP.match(header, place)
    return gap.end() if gap else place
