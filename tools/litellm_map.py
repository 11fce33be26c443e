"""Take LiteLLM's price map out of its pinned wheel, for the tests that import the real catalogs.

Only the map and the wheel's metadata are kept, where an installed package has them: the rest of the wheel is 200 MB of a
program that nobody here runs. The map is the same in the wheel of every platform, so one of them does for all.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "constraints-litellm.txt"
WANTED = ("litellm/model_prices_and_context_window_backup.json", ".dist-info/METADATA")
PLATFORM = ("--platform=manylinux_2_28_x86_64", "--python-version=3.11", "--abi=abi3", "--implementation=cp")


def take(out: Path) -> None:
    """Write the map and the metadata under *out*."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--require-hashes",
                "--no-deps",
                "--only-binary=:all:",
            ),
            *PLATFORM,
            f"--dest={folder}",
            f"--requirement={LOCK}",
        ]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("litellm-*.whl")
        shutil.rmtree(out, ignore_errors=True)
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(WANTED)]
            archive.extractall(out, names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    take(parser.parse_args().out)
