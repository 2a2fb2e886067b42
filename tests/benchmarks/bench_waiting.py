"""How torch's threads wait: convolutions beside busy processes, spinning and not, side by side."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

THREADS = (1, 2)
POLICIES = ("ACTIVE", "PASSIVE")
BUSY = "while True: pass"
STEPS = """
import sys, time, torch
torch.set_num_threads(int(sys.argv[1]))
photo = torch.randn(2, 32, 80, 80)
layers = torch.nn.Sequential(*(torch.nn.Conv2d(32, 32, 3, padding=1) for _ in range(30)))
layers(photo).sum().backward()
began, steps = time.monotonic(), 0
while time.monotonic() - began < float(sys.argv[2]):
    layers(photo).sum().backward()
    steps += 1
print(steps / (time.monotonic() - began))
"""


def steps_per_second(policy: str, threads: int, seconds: float) -> float:
    """Of a process of its own: the policy is read when torch is imported."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    environment["OMP_WAIT_POLICY"] = policy
    command = [sys.executable, "-c", STEPS, str(threads), str(seconds)]
    return float(subprocess.check_output(command, env=environment))


def main() -> None:
    """Measure; a line for each number of busy processes and threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for busy in arguments.busy:
        others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
        try:
            for threads in THREADS:
                rates: dict[str, list[float]] = {policy: [] for policy in POLICIES}
                for _ in range(arguments.repeats):
                    for policy in POLICIES:
                        rates[policy].append(steps_per_second(policy, threads, arguments.seconds))
                active, passive = (statistics.median(rates[policy]) for policy in POLICIES)
                print(
                    f"{busy} busy processes, {threads} threads: {active:.2f} steps/s spinning, "
                    f"{passive:.2f} not: {passive / active:.2f} times", flush=True,
                )  # fmt: skip
        finally:
            for other in others:
                other.kill()
                other.wait()


if __name__ == "__main__":
    main()
