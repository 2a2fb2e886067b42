"""Asks pip-audit for known vulnerabilities of the packages in the locks.

``.ci/audit-accepted.txt`` lists those that are accepted: an id and, behind ``#``, why. Exit status:
0 none but these, 1 others, 2 the service could not say for every package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-serve.lock")
ACCEPTED = Path(__file__).with_name("audit-accepted.txt")


def main(options: list[str]) -> int:
    """Print what is known of the locked packages; ``options`` go to pip-audit."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", *options]
    for lock in LOCKS:
        command += ["--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print("\n".join(done.stderr.splitlines()[-3:]), file=sys.stderr)
        print(
            "The service of known vulnerabilities did not answer: nothing is known.",
            file=sys.stderr,
        )
        return 2
    return report(packages, read_accepted(ACCEPTED))


def report(packages: list[dict[str, Any]], accepted: dict[str, str]) -> int:
    """Print what pip-audit's ``packages`` have; the exit status as above."""
    known = [(package, flaw) for package in packages for flaw in package.get("vulns", ())]
    refused = []
    for package, flaw in known:
        reason = next((accepted[i] for i in (flaw["id"], *flaw["aliases"]) if i in accepted), None)
        fixed = ", ".join(flaw["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {flaw['id']}, fixed in {fixed}"
              + (f"; accepted: {reason}" if reason else ""))  # fmt: skip
        refused += [] if reason else [flaw["id"]]
    for accepted_id in accepted:
        if not any(accepted_id in (flaw["id"], *flaw["aliases"]) for _, flaw in known):
            print(f"{accepted_id} is accepted and was not reported: remove it from {ACCEPTED.name}")
    unasked = [package["name"] for package in packages if "skip_reason" in package]
    print(f"{len(packages)} packages, {len(refused)} flaws that nobody accepted")
    if refused:
        print(f"Upgrade (`make lock ARGS=--upgrade`), or accept in {ACCEPTED}", file=sys.stderr)
    if unasked or not packages:
        print(f"The service knows nothing of {len(unasked)} of {len(packages)} packages: "
              f"{', '.join(unasked[:5])}{' ...' if unasked[5:] else ''}. "
              "They were not audited.", file=sys.stderr)  # fmt: skip
    return 1 if refused else 2 if unasked or not packages else 0


def read_accepted(path: Path) -> dict[str, str]:
    """Ids of accepted flaws with their reasons.

    Raises:
        ValueError: A line has no reason.
    """
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    accepted = {}
    for line in lines:
        flaw, _, reason = (part.strip() for part in line.partition("#"))
        if flaw and not reason:
            raise ValueError(f"{path}: {flaw} has no reason; expected: {flaw}  # why")
        if flaw:
            accepted[flaw] = reason
    return accepted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
