"""Words of this field that a reader of a page may not know, one line each.

Every page shows them in a fold at its end, and ``docs/glossary.md`` lists the same.
"""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "average precision": "precision averaged over all levels of recall, from 0 to 1: how well the "
    "scores put right detections before false ones, whatever the threshold.",
    "Bento": "the packed service: code, model and the list of libraries, ready to run elsewhere.",
    "bootstrap": "drawing the test photos again and again, with repeats, to see how far a number "
    "would vary on other photos like these.",
    "champion": "the model version that is in use now; a new one has to be better to replace it.",
    "confusion matrix": "how often each class is found as which: a row for each class that is "
    "there, a column for each that was found.",
    "drift": "the photos of today differ from those the model was tested on, so that its numbers "
    "may no longer hold.",
    "F2": "precision and recall in one number from 0 to 1 in which recall weighs more: a missed "
    "object costs more than a false one.",
    "gate": "the list of criteria that a new model version must meet before it becomes champion.",
    "interval": "the range that holds the true number in 95 of 100 such tests; a wide one means "
    "too few photos.",
    "IoU": "how well two boxes match: the area they share divided by the area they cover together, "
    "from 0 to 1.",
    "operating threshold": "the score from which on a detection counts; chosen on photos that "
    "neither train nor test the model.",
    "precision": "the fraction of the detections that are right.",
    "recall": "the fraction of the objects that were detected.",
    "reference": "what the champion detected in held-out photos; monitoring compares the photos of "
    "today with it.",
    "slice": "a part of the test photos, such as dark ones or those with small objects, scored by "
    "itself.",
}
