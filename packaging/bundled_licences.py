"""Puts into a wheel that auditwheel has repaired the licences of the libraries it now brings along.

bundled_licences.py WHEEL FOLDER: writes the wheel of the same name into FOLDER. The texts are those of the
Debian packages that the libraries come from; a library that none is known for is an error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# auditwheel puts a piece of the file's hash into its name: libzmq-5f7a1b2c.so.5.2.4, libpgm-5-5f7a1b2c.3.so.
HASH = re.compile(r"-[0-9a-f]{8}(?=\.)")


def package_of(library: str) -> str:
    """The Debian package that has the library of this name."""
    found = subprocess.run(["dpkg-query", "-S", f"*/{library}"], text=True, capture_output=True, check=False)
    packages = {line.split(":")[0] for line in found.stdout.splitlines()}
    if len(packages) != 1:
        sys.exit(f"bundled_licences: {library} is of {sorted(packages) or 'no package'}: {found.stderr.strip()}")
    return packages.pop()


def add_licences(files: Path) -> int:
    """To the wheel's files in a folder; returns how many libraries it has."""
    libraries = sorted(path for path in files.glob("*.libs/*") if path.is_file())
    (information,) = files.glob("*.dist-info")
    for path in libraries:
        package = package_of(HASH.sub("", path.name))
        place = information / "licenses" / "bundled" / package
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"/usr/share/doc/{package}/copyright", place / "copyright")
    return len(libraries)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    wheel, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([sys.executable, "-m", "wheel", "unpack", "--dest", made, wheel], check=True)
        (files,) = Path(made).iterdir()
        if not add_licences(files):
            sys.exit(f"bundled_licences: {wheel} brings no library along: it was not repaired")
        subprocess.run([sys.executable, "-m", "wheel", "pack", "--dest-dir", folder, files], check=True)


if __name__ == "__main__":
    main()
