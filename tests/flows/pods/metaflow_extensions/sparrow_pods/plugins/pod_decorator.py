"""``@pod``: what ``@kubernetes`` does, with a bubblewrap sandbox in the place of a pod.

It uses the same hooks: the code package goes into the datastore, each step's command line is
exchanged for one that starts a pod, and the tasks of a parallel step are pods of their own.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import ClassVar

from metaflow.decorators import StepDecorator
from metaflow.package import MetaflowPackage
from metaflow.unbounded_foreach import UBF_CONTROL

START = "SPARROW_TEST_POD"  # the program that starts a pod


class PodDecorator(StepDecorator):
    """Start a step where nothing of this machine can be written but what is behind a socket."""

    name = "pod"
    defaults: ClassVar[dict[str, object]] = {}
    package_url = package_metadata = None

    def step_init(self, flow, graph, step_name, decorators, environment, flow_datastore, logger):
        self.environment, self.flow_datastore = environment, flow_datastore

    def runtime_init(self, flow, graph, package, run_id):
        self.package = package

    def runtime_task_created(
        self, task_datastore, task_id, split_index, input_paths, is_cloned, ubf_context
    ):
        cls = type(self)
        if not is_cloned and cls.package_url is None:
            stored = self.flow_datastore.save_data([self.package.blob], len_hint=1)
            cls.package_url, cls.package_metadata = stored[0][0], self.package.package_metadata

    def runtime_step_cli(self, cli_args, retry_count, max_user_code_retries, ubf_context):
        if retry_count > max_user_code_retries:
            return
        fetch = self.environment._get_download_code_package_cmd(self.package_url, "s3")
        unpack = MetaflowPackage.get_extract_commands(self.package_metadata, "job.tar", ".")
        variables = MetaflowPackage.get_post_extract_env_vars(self.package_metadata, "$(pwd)")
        exports = [f"export {name.rstrip(':')}={value}" for name, value in variables.items()]
        setup = " && ".join([fetch, *unpack, *exports])
        spec = {
            "step": cli_args.task.step,
            "task": cli_args.task.task_id,
            "setup": shlex.split(f'"{setup}"')[0],  # it is quoted for bash -c "..."
            "flow": Path(sys.argv[0]).name,
        }
        cli_args.entrypoint = [sys.executable, "-u", os.environ[START], json.dumps(spec)]

    def task_pre_step(
        self, step_name, task_datastore, metadata, run_id, task_id, flow, graph, retry_count,
        max_user_code_retries, ubf_context, inputs,
    ):  # fmt: skip
        if ubf_context == UBF_CONTROL:
            workers = flow._parallel_ubf_iter.num_parallel - 1
            ids = [task_id, *(f"{task_id}-worker-{index}" for index in range(workers))]
            flow._control_mapper_tasks = [f"{run_id}/{step_name}/{own}" for own in ids]
            flow._control_task_is_mapper_zero = True
