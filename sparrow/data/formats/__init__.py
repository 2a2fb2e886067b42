"""Formats of labels: a reader and a writer each, and the contract's own tables as CSV.

The tables below are all that knows them: kind -> module of this folder and its function. The module
is imported when a set of its kind is read or written, so that the command line can list the kinds
without pandas.
"""

READERS = {
    "coco": "coco:read_coco_set",
    "voc": "voc:read_voc",
    "yolo": "yolo:read_yolo",
    "csv": "exchange:read_csv",
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
