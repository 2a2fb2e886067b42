"""The service's own metrics, which Prometheus reads at ``/metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0)
FEW = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 120.0)

requests = Counter("sparrow_requests", "API requests", ["path", "status"])
request_seconds = Histogram(
    "sparrow_request_seconds", "Time of a request", ["path"], buckets=SECONDS
)
refused = Counter("sparrow_refused", "Requests refused before an endpoint", ["why"])
photos = Counter("sparrow_photos", "Photos by outcome", ["source", "outcome", "model_version"])
photo_seconds = Histogram("sparrow_photo_seconds", "Decoding and detection", buckets=SECONDS)
photos_per_request = Histogram("sparrow_photos_per_request", "Photos in a request", buckets=FEW[1:])
detections = Histogram("sparrow_detections_per_photo", "Boxes in a readable photo", buckets=FEW)
log_away = Gauge(
    "sparrow_log_away",
    "1 while the prediction log cannot be reached or written",
    multiprocess_mode="livemax",
)
log_waiting = Gauge(
    "sparrow_log_waiting",
    "Photos not yet in the prediction log, in memory or on the disk",
    multiprocess_mode="livesum",
)
log_replaced = Counter(
    "sparrow_log_replaced", "Times the log's file was found removed or replaced while in use"
)
waiting = Gauge(
    "sparrow_photos_waiting", "Photos waiting or being counted", multiprocess_mode="livesum"
)
champion_refused = Gauge(
    "sparrow_champion_refused",
    "1 while the published model is not the one that serves, because it cannot",
    multiprocess_mode="livemax",
)
