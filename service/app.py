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

from service.answers import MAX_COUNT, DetectAnswer, FeedbackAnswer, photo_answer  # noqa: E402
from service.connections import bound_connections, listening_at  # noqa: E402
from service.inference_service import InferenceService  # noqa: E402
from service.logs import set_up_logs  # noqa: E402
from service.page_requests import PageRequests  # noqa: E402
from service.request_guard import RequestGuard, asked  # noqa: E402
from service.settings import describe_settings, read_settings  # noqa: E402
from service.web import make_web_app  # noqa: E402
from service.worker_pool import Picture  # noqa: E402
from sparrow.predictions.log import LogAwayError, UnknownPredictionError  # noqa: E402

RETRY_AFTER = {"retry-after": "5"}  # seconds; a log that is away is tried every second

logger = logging.getLogger("sparrow.service")
set_up_logs()
settings = read_settings()
page = PageRequests(settings)
bound_connections(settings.limits.max_connections)
os.environ["FORWARDED_ALLOW_IPS"] = ""  # which proxies are believed is for service.proxies to say


CONTAINER = "BENTOML_CONTAINERIZED"
NO_PHOTOS: list[Path] = []


def inference() -> InferenceService:
    """The running service's inference."""
    running: InferenceService = bentoml.get_current_service().desk
    return running


@bentoml.asgi_app(make_web_app(settings, inference, page), path="/")
@bentoml.service(
    name="Sparrow",
    workers=1,  # the page's queue lives in one process; see service.worker_pool
    threads=settings.limits.threads,
    traffic={"timeout": settings.limits.timeout_s},
    # In a container of BentoML's making, nobody outside reaches the loopback address.
    http={"host": "0.0.0.0" if CONTAINER in os.environ else settings.limits.host},  # noqa: S104
    metrics={"enabled": False},  # BentoML's have clients' paths in them; ours are at /metrics, too
    logging={"access": {"enabled": False}},  # the gate writes that line, with the request's id
    # glibc keeps what photos of all sizes leave free, in a heap for each thread, below whatever is
    # still in use. With two heaps, and large buffers outside them, that memory goes back to the
    # system; a heap's free end is kept up to 32 MiB, since every photo needs it again.
    envs=[
        {"name": "MALLOC_ARENA_MAX", "value": "2"},
        {"name": "MALLOC_MMAP_THRESHOLD_", "value": f"{4 * 2**20}"},
        {"name": "MALLOC_TRIM_THRESHOLD_", "value": f"{32 * 2**20}"},
    ],
)
class Sparrow:
    """Counts house sparrows, or whatever its model was trained to find, in photos."""

    def __init__(self) -> None:
        self.desk = InferenceService(settings)
        model = self.desk.counter
        entry = describe_settings(settings, model.info.name, model.version, listening_at())
        logger.info("serving", extra={"entry": entry})

    def __is_ready__(self) -> bool:
        """Asked by ``/readyz``: a log that is away or was replaced makes it a 503."""
        return self.desk.log_is_well

    @bentoml.on_shutdown
    def close(self) -> None:
        """Finish and log what was accepted."""
        self.desk.close()

    # BentoML's client learns from `photos` what to send. They come by way of the gate: BentoML
    # would write them to files, and read those.
    @bentoml.api(route="/detect")
    async def detect(self, photos: list[Path] = NO_PHOTOS) -> DetectAnswer:
        """Boxes, scores, labels, count and its interval for each photo, in the order sent."""
        counter = self.desk.counter
        try:
            found = await self.desk.count(asked().uploads, "api", counter)
        except LogAwayError as error:
            return _refusal(503, f"{error}; try again later", RETRY_AFTER)
        answers = [photo_answer(answer.counted) for answer in found]
        return DetectAnswer(
            model_name=counter.info.name,
            model_version=counter.version,
            threshold=counter.info.threshold,
            photos=answers,
            total=sum(answer.count or 0 for answer in answers),
        )

    @bentoml.api(route="/render")
    async def render(
        self, photos: list[Path] = NO_PHOTOS
    ) -> Annotated[Path, bentoml.validators.ContentType("image/jpeg")]:
        """One photo with its boxes drawn in: JPEG, or PNG where ``Accept`` names it."""
        uploads = asked().uploads
        if len(uploads) != 1:
            return _refusal(400, f"{len(uploads)} photos; expected one to draw on")
        kind: Picture = "png" if asked().png else "jpeg"
        try:
            answers = await self.desk.count(uploads, "api", self.desk.counter, kind)
        except LogAwayError as error:
            return _refusal(503, f"{error}; try again later", RETRY_AFTER)
        counted, picture = answers[0].counted, answers[0].picture
        if picture is None:
            return _refusal(422, counted.message or "this photo cannot be counted")
        headers = {"x-count": str(counted.record.count), "x-prediction-id": counted.record.id}
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
            self.desk.add_feedback(prediction_id, true_count, wrong)
        except UnknownPredictionError as error:
            return _refusal(404, str(error))
        except LogAwayError as error:
            logger.warning("feedback was refused: %s", error)
            return _refusal(503, "the feedback was not stored; try again later", RETRY_AFTER)
        return FeedbackAnswer(prediction_id=prediction_id)


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Any:
    """BentoML hands a response through as it is; its own errors have a list for a body."""
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
