"""What differs between a folder of generated code and a fresh one."""

import filecmp
from pathlib import Path


def differences(old: Path, new: Path, pattern: str = "*.py*") -> list[str]:
    """Name what is missing, stale or different in *old*."""
    is_ = {path.name for path in old.glob(pattern) if path.is_file()}
    ought = {path.name for path in new.iterdir()}
    _, changed, _ = filecmp.cmpfiles(old, new, sorted(is_ & ought), shallow=False)
    return sorted(
        [f"{name}: missing" for name in ought - is_]
        + [f"{name}: not generated" for name in is_ - ought]
        + [f"{name}: out of date" for name in changed]
    )
