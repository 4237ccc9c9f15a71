"""The tests that start no process, against the wheel in dist/, with the Python of Debian 13.

    make test-trixie [PATHS=tests/config]

They run in a tree of the lab, as root. It has no network: what the tests need is downloaded by pip
outside, for that Python and in the versions of constraints.txt.
"""

import platform
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.lab.requirements import impossible
from tests.support.lab.roots import TRIXIE, Root, cache, layers

CHECKOUT = Path(__file__).parents[3]
PYTHON = Root(name="trixie-python", below=TRIXIE, packages=("python3-venv", "git"))
"""Debian 13 with its Python, 3.13."""
_PLATFORMS = (
    "manylinux2014",
    "manylinux_2_17",
    "manylinux_2_28",
    "manylinux_2_34",
    "manylinux_2_39",
)
_ENTER = """
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn # nspawn removes at its end what it left there on a tmpfs, only
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/tree"
exec systemd-nspawn -q -D "$2/tree" --register=no --keep-unit --as-pid2 --pipe --private-network \
    --bind-ro="$3:/checkout" --bind-ro="$2/wheels:/wheels" /bin/sh -euc "$4" run "$5"
"""
_RUN = """
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
python3 -m venv /opt/try
/opt/try/bin/pip install --quiet --no-index --no-deps /wheels/*.whl
cd /checkout
export PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis
/opt/try/bin/python -c 'import sys, power_edge; print(sys.version.split()[0], power_edge.__file__)'
# shellcheck disable=SC2086 # a list of paths
exec /opt/try/bin/python -m pytest -q -m 'not lab and not shell' -o pythonpath=. -p no:cacheprovider $1
"""


def main() -> int:
    """Return pytest's status."""
    if why := impossible():
        sys.exit(f"test-trixie: {why}")
    wheels = list((CHECKOUT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"test-trixie: dist/ has {len(wheels)} wheels, and needs one: make dist")
    with TemporaryDirectory(dir=cache()) as name:
        place = Path(name)
        for each in ("upper", "work", "tree", "wheels"):
            (place / each).mkdir()
        _download(wheels[0], place / "wheels")
        lower = ":".join(map(str, layers(PYTHON)))
        given = (lower, name, str(CHECKOUT), _RUN, " ".join(sys.argv[1:]))
        argv = [
            "unshare",
            "--mount",
            "--propagation=private",
            "sh",
            "-euc",
            _ENTER,
            "enter",
            *given,
        ]
        return subprocess.run(argv, check=False).returncode


def _download(wheel: Path, folder: Path) -> None:
    """Download what a wheel and the tests need, for the Python of Debian 13."""
    platforms = [f"--platform={each}_{platform.machine()}" for each in _PLATFORMS]
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder,
            "--only-binary=:all:", "--implementation=cp", "--python-version=3.13", *platforms,
            "--constraint", CHECKOUT / "constraints.txt", "--group", f"{CHECKOUT}/pyproject.toml:test",
            wheel,
        ],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
