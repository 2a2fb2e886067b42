"""One word, one meaning, and the field's word where there is one: a check over the syntax tree.

``WORDS`` says which words were replaced and by what. An identifier is read word by word
(``drift_detector``, ``DriftDetector``), a text as prose. What may keep a word stands in ``KEPT``,
with the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sparrow", "service", "monitoring", "flows")

# Words of identifiers and file names -> what is said instead.
WORDS = {
    "bird": "object",
    "birds": "objects",
    "looks": "image_statistics, windows",
    "intake": "ingest, uploads",
    "finding": "rule_violation",
    "findings": "violations",
    "lesson": "training_task",
    "feeding": "augmented_dataset",
    "integers": "quantization",
    "swap": "atomic_dir",
    "certificate": "split_report",
    "certify": "report_split",
    "doubt": "label_error",
    "doubts": "label_errors",
    "doubtful": "label_error",
    "confused": "classification",
    "doubled": "duplicate",
    "misplaced": "localization",
    "promised": "nominal_level",
    "chance": "probability",
    "chances": "probabilities",
    "meeting": "rendezvous",
    "normalisation": "batch_norm",
    "share": "fraction",
    "shares": "fractions",
    "desk": "inference_service",
    "pick": "selection",
    "picks": "selections",
    "quicken": "speed_up",
    "mend": "fix",
    "gates": "criteria",
}
# Whole identifiers -> what is said instead.
NAMES = {
    "mix": "derive_seed",
    "keep_sides": "save_assignments",
    "read_sides": "load_assignments",
    "next_state": "replace_directory",
    "one_at_a_time": "file_lock",
    "_turn": "file_lock",
    "_alone": "file_lock",
    "round_engine": "quantize_engine",
    "starting_weights": "pretrained_weights",
    "weights_header": "safetensors_metadata",
    "plain_step": "user_facing_step",
    "plain_config": "user_facing_config",
    "PlainError": "UserError",
    "asked": "request_context",
    "Asked": "RequestContext",
    "Drawn": "Synthetic",
    "DrawnPhoto": "SyntheticPhoto",
    "drawn_photos": "synthetic_photos",
    "accumulate": "gradient_accumulation_steps",
    "Judge": "DriftDetector",
    "judge": "drift_detector",
    "watched": "monitored_model",
    "Pick": "Selection",
    "Pool": "FlatDetections",
    "pool_boxes": "flatten",
    "smallest_gain": "minimum_detectable_effect",
    "shown_better": "is_significant",
    "take_place": "set_rank_environment",
    "help_training": "run_worker_rank",
    "rate_factor": "lr_scale",
    "PhotoKeeper": "PhotoRetention",
    "offer": "maybe_store",
    "Step": "TrendPoint",
    "take_step": "optimizer_step",
    "one": "what it is",
    "found": "what it is",
    "theirs": "what it is",
    "came": "what it is",
}
# Words that no text of the program says: printed, logged or written into pages and docstrings.
TEXTS = re.compile(
    r"(certificates?|intake|doubt(ed|s)|findings?|quicken|mend(ed|s)?|smallest gain)", re.I
)
# (path, text) -> why it stays.
KEPT_TEXTS = {
    ("sparrow/cli/data_reports.py", "certificate"): "the old subcommand, refused with its new name",
    (
        "sparrow/data/checks/report.py",
        "findings",
    ): "a key of report.json, as earlier versions wrote",
}
# (path or folder, word) -> why it stays.
KEPT = {
    ("sparrow/data/synthetic", "bird"): "here birds are drawn",
    ("sparrow/data/synthetic", "birds"): "here birds are drawn",
    ("sparrow/cli/data_reports.py", "certificate"): "the old subcommand, refused with its new name",
}


def words_of(identifier: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier)
    return [word.lower() for word in spaced.split("_") if word]


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that is given here: of functions, classes, arguments, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def kept(path: str, word: str) -> bool:
    return any(path.startswith(place) and word == name for place, name in KEPT)


def faults() -> list[str]:
    wrong = []
    for file in FILES:
        path = file.relative_to(ROOT).as_posix()
        given = [(file.stem, 1), *identifiers(ast.parse(file.read_text(encoding="utf-8")))]
        for name, line in given:
            for word in {*words_of(name), name}:
                instead = WORDS.get(word) or (NAMES.get(word) if word == name else None)
                if instead and not kept(path, word):
                    wrong.append(f"{path}:{line}: {name}: say {instead}")
    return sorted(set(wrong))


def test_identifiers_and_files_use_the_fields_words():
    assert not faults()


def strange_texts() -> list[str]:
    wrong = []
    for file in FILES:
        path = file.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = {match[0].lower() for match in TEXTS.finditer(node.value)}
                wrong += [
                    f"{path}:{node.lineno}: {word}"
                    for word in words
                    if (path, word) not in KEPT_TEXTS
                ]
    return wrong


def test_texts_use_the_fields_words():
    assert not strange_texts()


@pytest.mark.parametrize(
    ("code", "instead"),
    [
        ("def judge_looks(): ...", "image_statistics"),
        ("class BirdCounter: ...", "object"),
        ("error_share = 1", "fraction"),
        ("self.pick = 1", "selection"),
        ("def f(chance): ...", "probability"),
        ("found = 1", "what it is"),
    ],
)
def test_the_check_sees_every_kind_of_name(code, instead):
    names = [name for name, _ in identifiers(ast.parse(code))]
    said = {
        WORDS.get(word) or NAMES.get(word) for name in names for word in (*words_of(name), name)
    }
    assert any(word and instead in word for word in said)


def test_every_exception_is_still_needed():
    given = {
        (file.relative_to(ROOT).as_posix(), word)
        for file in FILES
        for name, _ in [(file.stem, 1), *identifiers(ast.parse(file.read_text(encoding="utf-8")))]
        for word in words_of(name)
    }
    needed = {
        (place, word)
        for place, word in KEPT
        if any(path.startswith(place) and word == said for path, said in given)
    }
    assert needed == set(KEPT)
