"""What the protos say of each value of an enum, which the OpenAPI generator leaves out."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

# The numbers of FileDescriptorProto.enum_type and of EnumDescriptorProto.value, which places in a file are told by.
_ENUM, _VALUE = 5, 2


def enum_values(includes: Sequence[Path], files: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the comment of every value, by the full name of its enum; ours are all at the top of their files."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "descriptors"
        options = ["--include_source_info", "--include_imports", f"--descriptor_set_out={out}"]
        paths = [f"--proto_path={path}" for path in includes]
        if code := subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", *paths, *options, *files], check=False
        ).returncode:
            sys.exit(code)
        described = FileDescriptorSet.FromString(out.read_bytes())
    return {name: values for file in described.file for name, values in _of(file)}


def _of(file: FileDescriptorProto) -> Iterator[tuple[str, dict[str, str]]]:
    comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
    for i, enum in enumerate(file.enum_type):
        values = {value.name: comments.get((_ENUM, i, _VALUE, j), "") for j, value in enumerate(enum.value)}
        yield f"{file.package}.{enum.name}", values
