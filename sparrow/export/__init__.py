"""From a trained network to the engine that serves: ONNX, quantization, parity of the two."""

from sparrow.openmp import wait_without_spinning
from sparrow.telemetry import switch_off

wait_without_spinning()  # before torch is imported
switch_off()  # before onnxruntime is imported: see sparrow/inference/__init__.py
