"""The engine that evaluates and serves: a model folder run by ONNX Runtime, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from sparrow.detections import Detections
from sparrow.images import MAX_PIXELS, DecodedPhoto, RgbImage, decode_photo
from sparrow.inference.exact_int8 import int8_is_exact
from sparrow.inference.model_folder import ENGINE, QUANTIZED_ENGINE, read_info
from sparrow.photo_scale import resize_to_fit
from sparrow.progress import Progress


class Engine:
    """A loaded model folder. One instance may be used from several threads.

    Attributes:
        info: the folder's ``model.json``.
    """

    def __init__(self, folder: Path, threads: int = 1, *, verify: bool = True) -> None:
        """Load a model folder.

        Args:
            folder: see ``sparrow.inference.model_folder``.
            threads: processor threads one photo may use; the service uses one.
            verify: check the files' SHA-256 sums first.

        Raises:
            ModelFolderError: the folder is not a whole, untouched model.
        """
        self.info = read_info(folder, verify=verify)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Photos differ in size, so planned buffers are rarely reused and only hold memory.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            str(_file(folder)), options, providers=["CPUExecutionProvider"]
        )

    def read(self, source: Path | str | bytes, max_pixels: int = MAX_PIXELS) -> DecodedPhoto:
        """Decode a photo as the photos were that this model learnt from.

        Raises:
            ImageError: see ``decode_photo``.
        """
        return decode_photo(source, max_pixels, self.info.decoded_for_px)

    def detect_photo(self, photo: DecodedPhoto) -> Detections:
        """``detect`` in a photo that may be decoded smaller; in pixels of the whole one."""
        return self._detect(photo, 1)

    def detect(self, image: RgbImage, enlarged: int = 1) -> Detections:
        """Everything found in one photo with a score of at least ``info.min_score``.

        Args:
            image: uint8 [height, width, 3], upright RGB.
            enlarged: how many times larger the network's input is than photos have it.

        Returns:
            Detections in pixels of ``image``.
        """
        return self._detect(DecodedPhoto(image, image.shape[1::-1]), enlarged)

    def _detect(self, photo: DecodedPhoto, enlarged: int) -> Detections:
        width, height = photo.size_px
        sides = enlarged * self.info.min_side_px, enlarged * self.info.max_side_px
        pixels = resize_to_fit(photo.pixels, *sides, photo.area)
        boxes, labels, scores = self._session.run(
            ["boxes", "labels", "scores"], {"image": np.ascontiguousarray(pixels)}
        )
        scale = np.array([width / pixels.shape[1], height / pixels.shape[0]] * 2, np.float32)
        limits = np.array([width, height] * 2, np.float32)
        detections = Detections(np.minimum(boxes * scale, limits), scores, labels)
        return detections.above(self.info.min_score)


def _file(folder: Path) -> Path:
    """The engine in integers where the model has one and this processor is exact in them."""
    quantized = folder / QUANTIZED_ENGINE
    return quantized if quantized.is_file() and int8_is_exact() else folder / ENGINE


def detect_files(
    engine: Engine,
    files: Sequence[tuple[str, Path]],
    progress: Progress | None = None,
) -> dict[str, Detections]:
    """Detections of many photo files, by name.

    Raises:
        ImageError: a photo cannot be read.
    """
    detections = {}
    for done, (name, path) in enumerate(files, 1):
        detections[name] = engine.detect_photo(engine.read(path))
        if progress:
            progress(done, len(files))
    return detections
