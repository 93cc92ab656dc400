"""Start-up is a feature: what `--help` may load is a promise, measured in modules because modules do not depend on the machine's mood."""

import subprocess
import sys


def modules_of(*arguments: str) -> set[str]:
    program = (
        "import sys; sys.argv = ['seawall', *sys.argv[1:]]\n"
        "from seawall.app.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write('\\n'.join(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert "Usage: seawall" in run.stdout
    return set(run.stderr.split())


def test_help_imports_no_command_and_no_library_but_click() -> None:
    loaded = modules_of("--help")
    ours = {name for name in loaded if name.startswith("seawall")}
    assert ours == {
        "seawall",
        "seawall.app",
        "seawall.app.cli",
        "seawall.app.cli.lazy",
        "seawall.app.cli.main",
        "seawall.core",
        "seawall.core.errors",
    }
    assert not loaded & {"yaml", "msgspec", "multiprocessing", "concurrent.futures"}


def test_help_of_scan_loads_no_renderer() -> None:
    loaded = modules_of("scan", "--help")
    assert not loaded & {"seawall.io.reports.text", "seawall.io.reports.sarif"}
