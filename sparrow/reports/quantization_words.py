"""Which of an engine's layers compute in integers, in words."""

from __future__ import annotations

from collections.abc import Mapping

from sparrow.inference.model_folder import ModelInfo


def quantization_words(info: ModelInfo) -> str:
    """Which of the engine's layers compute in integers, and whether that was tried in vain."""
    parity = info.engine_parity
    layers, agreed = parity.get("integer_layers", 0.0), parity.get("integer_share")
    if layers:
        wide = (
            f"; its {layers:.0f} widest layers in 8-bit integers, which moved scores by "
            f"{parity['integer_median_score_difference']:.4f} (median)"
        )
    elif agreed is not None:
        wide = f"; its widest layers in floating point: in integers only {agreed:.0%} of "
        wide += "detections agreed"
    else:
        wide = ""
    return wide + _integer_convolutions(parity)


def _integer_convolutions(parity: Mapping[str, float]) -> str:
    """What of the convolutions is in integers; nothing where that was not tried."""
    convolutions = parity.get("integer_convolutions")
    if convolutions is None:
        return ""
    f_beta, average = (parity[f"integer_change_of_{name}"] for name in ("f_beta", "ap50_95"))
    changed = f"F-beta by {f_beta:+.3f} and AP50:95 by {average:+.3f}"
    if convolutions:
        return f"; {convolutions:.0f} convolutions in integers too, which changed {changed}"
    return f"; the convolutions in floating point: integers would have changed {changed}"
