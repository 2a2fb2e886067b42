"""The review queue: photos from production that a person should look at, and what came of it."""
