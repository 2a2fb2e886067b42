"""From detections to numbers that can be believed: matching, metrics, counts, comparisons."""
