"""Ways to break an archive of a set; each must be refused, and nothing be written anywhere."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import numpy as np

ESCAPING = ("../out.txt", "/tmp/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt", "a\nb")
KINDS = ("escapes", "link", "device", "cut", "flipped", "bomb", "no set", "two sets", "no zip")


def corrupt_archive(root: Path, archive: Path, rng: np.random.Generator) -> str:
    """Pack the set at ``root`` into ``archive``, broken in one way; which one."""
    kind = str(rng.choice(KINDS))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for below in ("a", "b") if kind == "two sets" else ("a",):
            for path in sorted(p for p in root.rglob("*") if p.is_file()):
                if kind != "no set" or path.suffix != ".csv":
                    file.write(path, Path(below) / path.relative_to(root))
        _bad_member(file, kind, rng)
    whole = bytearray(archive.read_bytes())
    if kind == "cut":
        archive.write_bytes(whole[: int(len(whole) * rng.uniform(0.05, 0.9))])
    elif kind == "flipped":
        start = int(rng.integers(40, len(whole) // 2))
        whole[start : start + 30] = bytes(255 - byte for byte in whole[start : start + 30])
        archive.write_bytes(whole)
    elif kind == "no zip":
        archive.write_bytes(rng.bytes(int(rng.integers(0, 5000))))
    return kind


def _bad_member(file: zipfile.ZipFile, kind: str, rng: np.random.Generator) -> None:
    if kind == "escapes":
        file.writestr(str(rng.choice(ESCAPING)), "bad")
    elif kind in ("link", "device"):
        member = zipfile.ZipInfo("a/images/extra.png")
        mode = stat.S_IFLNK if kind == "link" else stat.S_IFCHR
        member.external_attr = (mode | 0o777) << 16
        file.writestr(member, "/etc/passwd")
    elif kind == "bomb":
        member = zipfile.ZipInfo("a/zeros")
        file.writestr(member, b"0")
        member.file_size = 10**12  # what the directory claims is what is judged
