"""Formats of labels: a parser and a writer each, and the contract's own tables as CSV.

The tables below are all that knows them: kind -> module of this folder (and its function). The
module is imported when a set of its kind is read or written, so that the command line can list the
kinds without pandas. A parser's module has ``find_labels``, by which its kind is recognised, and
``parse_labels``; both get the set's files and look at no photo.
"""

READERS = {
    "coco": "coco_labels",
    "voc": "voc_labels",
    "yolo": "yolo_labels",
    "csv": "csv_labels",
    "labelstudio": "labelstudio_labels",
    "cvat": "cvat_labels",
    "via": "via_labels",
    "labelme": "labelme_labels",
    "createml": "createml_labels",
}
WRITERS = {
    "coco": "coco:write_coco_set",
    "voc": "voc:write_voc",
    "yolo": "yolo:write_yolo",
    "csv": "csv:write_csv",
}
SPLIT_WRITERS = {
    "coco": "split_sets:write_coco_split",
    "voc": "split_sets:write_voc_split",
    "yolo": "split_sets:write_yolo_split",
    "csv": "split_sets:write_csv_split",
}
