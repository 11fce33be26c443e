"""Compare protos/ with those of the last release tag: `buf breaking`, offline."""

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOOGLEAPIS = Path("build/googleapis")
RELEASED = ROOT / "build/released"


def last_release() -> str | None:
    """Return the newest `v*` tag that HEAD descends from, or None before the first release."""
    command = ["git", "describe", "--tags", "--match=v*", "--abbrev=0"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def check_out(tag: str) -> None:
    """Lay the protos of *tag* beside the googleapis that they import."""
    shutil.rmtree(RELEASED, ignore_errors=True)
    command = ["git", "archive", "--format=tar", tag, "protos", "buf.yaml"]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(RELEASED, filter="data")
    shutil.copytree(ROOT / GOOGLEAPIS, RELEASED / GOOGLEAPIS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("buf", help="path of the buf command")
    buf = parser.parse_args().buf
    tag = last_release()
    if tag is None:
        print("no release tag yet: nothing to break")
        return
    check_out(tag)
    command = [buf, "breaking", "--against", str(RELEASED)]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
