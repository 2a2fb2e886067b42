"""Starts the service on the champion of the working folder, asks it once, and prints the answer.

    python serve_once.py PHOTO TRUE_COUNT

A process of its own: the service reads its settings when it is imported. Nothing but ``service`` is
imported, so that the same file asks the service of any commit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from starlette.testclient import TestClient


def main() -> None:
    """Count one photo, say how many there really are, and end the service."""
    from service.app import Sparrow

    photo, true_count = Path(sys.argv[1]), int(sys.argv[2])
    with TestClient(Sparrow.to_asgi(), base_url="http://127.0.0.1") as client:
        files = [("photos", (photo.name, photo.read_bytes(), "image/jpeg"))]
        answer = client.post("/detect", files=files).raise_for_status().json()
        prediction = answer["photos"][0]["prediction_id"]
        # Feedback waits for the log: whatever was counted is written when it is answered.
        feedback = {"prediction_id": prediction, "true_count": true_count}
        client.post("/feedback", json=feedback).raise_for_status()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
