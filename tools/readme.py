"""Fills the README with what the tool really prints: the output of scanning the example, and the number of rules.

python tools/readme.py
"""

import re
import subprocess
import sys
from pathlib import Path

from seawall.app.catalogue import catalogue

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?:^CAPTURE$|<!-- capture -->.*?<!-- end of capture -->)", re.DOTALL | re.MULTILINE)
COUNTS = re.compile(r"(?:@RULES@|\d+) rules on workloads(.*?)(?:@DEFAULT@|\d+) of them by default", re.DOTALL)


def main() -> None:
    """Rewrite the README."""
    arguments = [
        "scan",
        "examples/shop/db.yaml",
        "examples/shop/web.yaml",
        "--rule",
        "privileged",
        "--rule",
        "cap-sys-admin",
        "--rule",
        "image-latest",
    ]
    run = subprocess.run([sys.executable, "-m", "seawall", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    shown = f"<!-- capture -->\n```\n$ seawall {' '.join(arguments)}\n{run.stdout}```\n<!-- end of capture -->"
    rules = list(catalogue())
    path = ROOT / "README.md"
    text = BLOCK.sub(lambda _: shown, path.read_text(), count=1)
    by_default = sum(rule.by_default for rule in rules)
    text = COUNTS.sub(lambda match: f"{len(rules)} rules on workloads{match[1]}{by_default} of them by default", text, count=1)
    path.write_text(text)


if __name__ == "__main__":
    main()
