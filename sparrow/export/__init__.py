"""From a trained network to the engine that serves: ONNX, quantization, parity of the two."""

from sparrow.telemetry import switch_off

switch_off()  # before onnxruntime is imported: see sparrow/inference/__init__.py
