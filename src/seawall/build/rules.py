"""The rules of this phase: what an image or a directory of packages is judged by. The functions that judge stand in ``judge.py``."""

from typing import Final

from seawall.core.registry import Registry
from seawall.core.rule import Explanation, Parameter, Phase, Rule
from seawall.core.severity import Severity

VULNERABLE: Final = Rule(
    id="vulnerable-package",
    title="Package with a known vulnerability",
    # Replaced by that of the vulnerability; this one stands where nobody has given any.
    severity=Severity.UNKNOWN,
    phase=Phase.BUILD,
    category="vulnerabilities",
    explanation=Explanation(
        what="A package in a version that an advisory of its ecosystem or distribution names as affected. Packages are matched by their exact name "
        "in their own ecosystem, never by similarity.",
        why="The weakness is public, and often so is the code that uses it.",
        fix="Upgrade to one of the fixed versions, or move to a base image that has them. Where there is none yet, say in a VEX document or a "
        "suppression with a date why that is acceptable.",
        exceptions="Advisories that were withdrawn, and those that the package's own changelog, the distribution or a VEX document says are fixed or "
        "do not concern it.",
    ),
    references=("https://ossf.github.io/osv-schema/", "https://www.first.org/cvss/"),
)
MALICIOUS: Final = Rule(
    id="malicious-package",
    title="Package that was published to do harm",
    severity=Severity.CRITICAL,
    phase=Phase.BUILD,
    category="supply-chain",
    explanation=Explanation(
        what="A package version that an advisory names as malicious: typosquatting, a stolen account, a backdoor.",
        why="It ran when it was installed. What it could reach then is to be taken as known to somebody else.",
        fix="Remove it, rebuild from clean sources, and replace every secret that the build or the container could read.",
        exceptions="None.",
    ),
    references=("https://github.com/ossf/malicious-packages",),
)
UNMAINTAINED: Final = Rule(
    id="unmaintained-package",
    title="Package that nobody maintains",
    # Info: nothing is broken today; nobody will mend what breaks tomorrow.
    severity=Severity.INFO,
    phase=Phase.BUILD,
    category="supply-chain",
    by_default=False,
    explanation=Explanation(
        what="A package that its ecosystem's advisories call unmaintained, or warn of without naming a vulnerability.",
        why="The next vulnerability in it will not be fixed.",
        fix="Move to the successor that the advisory names.",
        exceptions="None.",
    ),
)
END_OF_LIFE: Final = Rule(
    id="distribution-end-of-life",
    title="Distribution that is no longer supported",
    severity=Severity.HIGH,
    phase=Phase.BUILD,
    category="vulnerabilities",
    explanation=Explanation(
        what="An image whose distribution release no longer gets security updates.",
        why="Its vulnerabilities are not mended and, as nobody looks, not even written down: an empty list says nothing here.",
        fix="Move to a base image with a supported release.",
        exceptions="Releases under an extended support are reported as medium, with its end: whether you have it cannot be seen in the image.",
    ),
    references=("https://endoflife.date/",),
)
IMAGE_AGE: Final = Rule(
    id="image-age",
    title="Image was built too long ago",
    severity=Severity.MEDIUM,
    phase=Phase.BUILD,
    category="supply-chain",
    by_default=False,
    explanation=Explanation(
        what="An image whose configuration says that it was created more days ago than the policy allows.",
        why="An image gets no updates by itself. One that is not rebuilt collects what has become known since.",
        fix="Rebuild it on its current base image, at least as often as the policy asks for.",
        exceptions="Images whose builder sets a fixed date (1970 or 1980, for reproducible builds) cannot be judged, and are reported as such.",
    ),
    parameters=(Parameter("max_days", "The most days that may have passed since the image was built.", 90),),
)

RULES: Final = (VULNERABLE, MALICIOUS, UNMAINTAINED, END_OF_LIFE, IMAGE_AGE)


def registry() -> Registry:
    """The rules of this phase."""
    return Registry(RULES)
