"""Unpack the google.api and google.rpc protos out of the googleapis-common-protos wheel."""

import argparse
import shutil
import sysconfig
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))
PACKAGES = ("google/api", "google/rpc")


def unpack(into: Path) -> None:
    """Replace *into* by a proto root that holds only these packages."""
    shutil.rmtree(into, ignore_errors=True)
    for package in PACKAGES:
        (into / package).mkdir(parents=True)
        for proto in sorted((SITE / package).glob("*.proto")):
            shutil.copy(proto, into / package)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path)
    unpack(parser.parse_args().into)
