"""Tuning workers that begin at the same moment: ``race_workers.py CONFIG WORKERS``.

Each is a process of its own, forked once Optuna is imported, before anything is connected. Each
settles the study, opens it and works on it, as a step ``tune`` does. Prints what each of them says;
exit status: how many failed.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from sparrow.config import load_config
from sparrow.training.study_facts import settle_study
from sparrow.training.tuning import run_trials, suggest


def work(config: Any, begin: float) -> None:
    """One worker."""

    def objective(trial: Any) -> float:
        suggest(trial, config)
        time.sleep(0.05)  # a training: others claim meanwhile
        return float(trial.number)

    time.sleep(max(0.0, begin - time.time()))
    name, note = settle_study(config, "race", "photos")
    assert (name, note) == ("race", "")
    run_trials(config, name, objective)


def main() -> None:
    """Fork the workers and wait for them."""
    config = load_config(Path(sys.argv[1]))
    begin, children = time.time() + 0.3, []
    for _ in range(int(sys.argv[2])):
        child = os.fork()
        if not child:
            try:
                work(config, begin)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))


if __name__ == "__main__":
    main()
