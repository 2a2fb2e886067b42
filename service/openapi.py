"""The API's description in OpenAPI; BentoML's own lacks the answers of ``RequestGuard``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

import sparrow
from service.answers import MAX_COUNT, DetectAnswer, ErrorAnswer, FeedbackAnswer, ModelAnswer
from service.settings import Settings

ANSWERS: tuple[type[BaseModel], ...] = (DetectAnswer, ErrorAnswer, FeedbackAnswer, ModelAnswer)
Json = dict[str, Any]  # Any: the values of JSON have many types
REFERENCE = "#/components/schemas/{model}"
BASE64 = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
ERROR_MEANINGS = {
    400: "the request cannot be understood",
    401: "no valid API key",
    404: "there is no such prediction",
    405: "another method is expected",
    408: "the body took too long to arrive",
    413: "too large",
    415: "another content type is expected",
    422: "the photo cannot be counted",
    429: "too many requests; see Retry-After",
    431: "the headers are too large",
    503: "busy; see Retry-After",
    504: "it took too long",
}
ALWAYS = (400, 401, 405, 408, 413, 415, 429, 431, 503, 504)


def describe_api(settings: Settings) -> Json:
    """OpenAPI 3.1 of ``/detect``, ``/render``, ``/feedback`` and ``/model``."""
    limits = settings.limits
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sparrow",
            "version": sparrow.__version__,
            "description": "Counts objects in photos. One request holds at most "
            f"{limits.max_photos} photos and {limits.max_request_mb:g} MB; a photo at most "
            f"{limits.max_pixels:,} pixels.",
        },
        "paths": {
            "/detect": {"post": _detect(limits.max_photos)},
            "/render": {"post": _render()},
            "/feedback": {"post": _feedback()},
            "/model": {"get": _model()},
        },
        "components": {"schemas": _schemas()},
    }


def _detect(max_photos: int) -> Json:
    named = {
        "type": "object",
        "required": ["content"],
        "properties": {"name": {"type": "string"}, "content": BASE64},
    }
    in_json = {
        "schema": {
            "type": "object",
            "required": ["photos"],
            "properties": {"photos": _photos({"anyOf": [BASE64, named]}, max_photos)},
        },
        "example": {"photos": ["/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP8="]},
    }
    return {
        "summary": "Count the objects in photos",
        "description": "A photo that cannot be read has an error object in its place; the others "
        "are counted.",
        "operationId": "detect",
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": _form(max_photos), "application/json": in_json},
        },
        "responses": {"200": _json("one entry per photo", "DetectAnswer"), **_errors(ALWAYS)},
    }


def _render() -> Json:
    picture = {"schema": {"type": "string", "format": "binary"}}
    return {
        "summary": "Draw the boxes into one photo",
        "operationId": "render",
        "requestBody": {"required": True, "content": {"multipart/form-data": _form(1)}},
        "responses": {
            "200": {
                "description": "JPEG, or PNG where Accept names it",
                "content": {"image/jpeg": picture, "image/png": picture},
            },
            **_errors((*ALWAYS, 422)),
        },
    }


def _feedback() -> Json:
    schema = {
        "type": "object",
        "required": ["prediction_id"],
        "properties": {
            "prediction_id": {"type": "string", "maxLength": 64},
            "true_count": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_COUNT},
            "wrong": {"type": "boolean", "default": False},
        },
        "anyOf": [
            {"required": ["true_count"], "properties": {"true_count": {"type": "integer"}}},
            {"required": ["wrong"], "properties": {"wrong": {"const": True}}},
        ],
    }
    example = {"prediction_id": "3f2b8c0d4e5f60718293a4b5c6d7e8f9", "true_count": 3}
    content = {"application/json": {"schema": schema, "example": example}}
    return {
        "summary": "Say what the true count is, or that an answer is wrong",
        "operationId": "feedback",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _json("stored", "FeedbackAnswer"), **_errors((*ALWAYS, 404))},
    }


def _model() -> Json:
    return {
        "summary": "The model that is being served",
        "operationId": "model",
        "responses": {
            "200": _json("the model", "ModelAnswer"),
            **_errors((401, 405, 429, 431, 504)),
        },
    }


def _form(max_photos: int) -> Json:
    photos = _photos({"type": "string", "format": "binary"}, max_photos)
    schema = {
        "type": "object",
        "required": ["photos"],
        "properties": {"photos": photos},
        "additionalProperties": False,
    }
    return {"schema": schema}


def _photos(items: Json, max_photos: int) -> Json:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": max_photos}


def _json(description: str, model: str) -> Json:
    schema = {"$ref": REFERENCE.format(model=model)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _errors(statuses: tuple[int, ...]) -> Json:
    return {
        str(status): _json(ERROR_MEANINGS[status], "ErrorAnswer") for status in sorted(statuses)
    }


def _schemas() -> Json:
    schemas: Json = {}
    for model in ANSWERS:
        schema = model.model_json_schema(ref_template=REFERENCE, mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return schemas
