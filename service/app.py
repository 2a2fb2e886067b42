"""The BentoML service: ``bentoml serve`` in the repo, or ``bentoml serve TAG`` of a built Bento."""

from __future__ import annotations

from sparrow.telemetry import switch_off

switch_off()  # before bentoml and gradio read the environment

import logging  # noqa: E402
import os  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated, Any  # noqa: E402

import bentoml  # noqa: E402
from pydantic import Field  # noqa: E402
from starlette.middleware.cors import CORSMiddleware  # noqa: E402
from starlette.responses import JSONResponse, Response  # noqa: E402

from service.answers import MAX_COUNT, DetectAnswer, FeedbackAnswer, detect_answer  # noqa: E402
from service.connections import bound_connections, listening_at  # noqa: E402
from service.inference_service import InferenceService  # noqa: E402
from service.logs import set_up_logs  # noqa: E402
from service.page_requests import PageRequests  # noqa: E402
from service.request_context import request_context  # noqa: E402
from service.request_guard import RequestGuard  # noqa: E402
from service.settings import describe_settings  # noqa: E402
from service.start_up import settings_to_start_with  # noqa: E402
from service.web import make_web_app  # noqa: E402
from service.worker_pool import PictureFormat  # noqa: E402
from sparrow.predictions.log import LogAwayError, UnknownPredictionError  # noqa: E402

RETRY_AFTER = {"retry-after": "5"}  # seconds; an unreachable log is tried every second

logger = logging.getLogger("sparrow.service")
set_up_logs()
settings = settings_to_start_with()
page = PageRequests(settings)
bound_connections(settings.limits.max_connections)
os.environ["FORWARDED_ALLOW_IPS"] = ""  # service.proxies decides which proxies are trusted


CONTAINER = "BENTOML_CONTAINERIZED"
NO_PHOTOS: list[Path] = []


def inference() -> InferenceService:
    """The inference of the running service."""
    running: InferenceService = bentoml.get_current_service().inference
    return running


@bentoml.asgi_app(make_web_app(settings, inference, page), path="/")
@bentoml.service(
    name="Sparrow",
    workers=1,  # the page's queue is in one process; service.worker_pool counts in parallel
    threads=settings.limits.threads,
    traffic={"timeout": settings.limits.timeout_s},
    # In a container that BentoML built, the loopback address cannot be reached from outside.
    http={"host": "0.0.0.0" if CONTAINER in os.environ else settings.limits.host},  # noqa: S104
    metrics={"enabled": False},  # BentoML's contain clients' paths; ours are at /metrics
    logging={"access": {"enabled": False}},  # service.access_log writes it, with the request's id
    # By default glibc has a heap for each thread, and keeps freed memory that is below a block in
    # use. With two heaps, and large buffers outside them, freed memory is returned to the system;
    # up to 32 MiB at a heap's end are kept, since the next photo needs them.
    envs=[
        {"name": "MALLOC_ARENA_MAX", "value": "2"},
        {"name": "MALLOC_MMAP_THRESHOLD_", "value": f"{4 * 2**20}"},
        {"name": "MALLOC_TRIM_THRESHOLD_", "value": f"{32 * 2**20}"},
    ],
)
class Sparrow:
    """Counts the objects in photos that its model was trained to find."""

    def __init__(self) -> None:
        self.inference = InferenceService(settings)
        model = self.inference.counter
        entry = describe_settings(settings, model.info.name, model.version, listening_at())
        logger.info("serving", extra={"entry": entry})

    def __is_ready__(self) -> bool:
        """Used by ``/readyz``, which answers 503 while the log is unreachable or was replaced."""
        return self.inference.log_is_healthy

    @bentoml.on_shutdown
    def close(self) -> None:
        """Count and log the accepted photos."""
        self.inference.close()

    # `photos` tells BentoML's client what to send. The service reads them from the request context:
    # BentoML would write them to files first.
    @bentoml.api(route="/detect")
    async def detect(self, photos: list[Path] = NO_PHOTOS) -> DetectAnswer:
        """Boxes, scores, labels, counts and their intervals for each photo, in the order sent."""
        counter = self.inference.counter
        try:
            counted = await self.inference.count(request_context().uploads, "api", counter)
        except LogAwayError as error:
            return _refusal(503, f"{error}; try again later", RETRY_AFTER)
        return detect_answer(counter, [answer.counted for answer in counted])

    @bentoml.api(route="/render")
    async def render(
        self, photos: list[Path] = NO_PHOTOS
    ) -> Annotated[Path, bentoml.validators.ContentType("image/jpeg")]:
        """One photo with its boxes drawn in: JPEG, or PNG where ``Accept`` names it."""
        uploads = request_context().uploads
        if len(uploads) != 1:
            return _refusal(400, f"{len(uploads)} photos; expected one to draw on")
        kind: PictureFormat = "png" if request_context().png else "jpeg"
        try:
            answers = await self.inference.count(uploads, "api", self.inference.counter, kind)
        except LogAwayError as error:
            return _refusal(503, f"{error}; try again later", RETRY_AFTER)
        counted, picture = answers[0].counted, answers[0].picture
        if picture is None:
            return _refusal(422, counted.message or "this photo cannot be counted")
        headers = {"x-count": str(counted.record.count), "x-prediction-id": counted.record.id}
        # Any: see ``_refusal``.
        response: Any = Response(picture, media_type=f"image/{kind}", headers=headers)
        return response

    @bentoml.api(route="/feedback")
    def feedback(
        self,
        prediction_id: Annotated[str, Field(max_length=64)],
        true_count: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None,
        wrong: bool = False,
    ) -> FeedbackAnswer:
        """The true count of a photo, or that its answer is wrong."""
        if true_count is None and not wrong:
            return _refusal(400, "expected true_count, or wrong: true")
        try:
            self.inference.add_feedback(prediction_id, true_count, wrong)
        except UnknownPredictionError as error:
            return _refusal(404, str(error))
        except LogAwayError as error:
            logger.warning("feedback was refused: %s", error)
            return _refusal(503, "the feedback was not stored; try again later", RETRY_AFTER)
        return FeedbackAnswer(prediction_id=prediction_id)


# Any: an endpoint's annotation is its successful answer, while BentoML accepts any response.
def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Any:
    """An error with the same body as every other; BentoML's own errors have a list for a body."""
    return JSONResponse({"error": message}, status_code=status, headers=headers)


# The decorator makes a Service of the class, which mypy cannot see. The first added is outermost.
if settings.limits.cors_origins:
    Sparrow.add_asgi_middleware(  # type: ignore[attr-defined]
        CORSMiddleware,
        allow_origins=list(settings.limits.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
    )
Sparrow.add_asgi_middleware(RequestGuard, settings=settings, page=page)  # type: ignore[attr-defined]
