"""From a model folder to counted photos: what serving needs, and nothing that trains."""

from sparrow.telemetry import switch_off

# Before any module here imports onnxruntime, which reports home from its first session on: this
# holds for whoever uses the library, too, not only for the commands.
switch_off()
