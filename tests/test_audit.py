"""What `make audit` makes of pip-audit's answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(*flaws):
    vulns = [{"id": i, "aliases": [f"CVE-{i}"], "fix_versions": ["2.0"]} for i in flaws]
    return {"name": "pillow", "version": "1.0", "vulns": vulns}


UNASKED = {"name": "torch", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "accepted", "status"),
    [
        ([], {}, 2),  # silence is no good news
        ([package()], {}, 0),
        ([package("A")], {}, 1),
        ([package("A")], {"A": "why"}, 0),
        ([package("A")], {"CVE-A": "why"}, 0),  # by its other name
        ([package("A", "B")], {"A": "why"}, 1),
        ([package(), UNASKED], {}, 2),
        ([package("A"), UNASKED], {}, 1),  # what is known goes before what is not
    ],
)
def test_the_exit_status(audit, packages, accepted, status):
    assert audit.report(packages, accepted) == status


def test_what_is_printed(audit, capsys):
    audit.report([package("A", "B"), UNASKED], {"A": "no page uses it", "C": "gone"})
    said = capsys.readouterr()
    assert "pillow 1.0: A, fixed in 2.0; accepted: no page uses it\n" in said.out
    assert "pillow 1.0: B, fixed in 2.0\n" in said.out
    assert "C is accepted and was not reported: remove it" in said.out
    assert "knows nothing of 1 of 2 packages: torch. They were not audited." in said.err


def test_an_accepted_flaw_has_a_reason(audit, tmp_path):
    audit.read_accepted(audit.ACCEPTED)
    path = tmp_path / "accepted.txt"
    path.write_text("# words\n\nA  # why, until when\n")
    assert audit.read_accepted(path) == {"A": "why, until when"}
    path.write_text("A\n")
    with pytest.raises(ValueError, match="A has no reason"):
        audit.read_accepted(path)
