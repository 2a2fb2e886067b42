"""Colours, fonts and style sheet of the page; nothing of it is fetched from another host."""

from __future__ import annotations

import gradio as gr

STYLE = """
.gradio-container {max-width: 1080px !important; width: 100% !important; min-width: 0 !important;
  margin: 0 auto !important}
.card table {display: block; overflow-x: auto; border: 0 !important; font-size: .95rem}
.card tr, .card th, .card td {border: 0 !important; padding: .4rem .7rem .4rem 0 !important;
  overflow-wrap: normal !important; word-break: normal !important}
@media (max-width: 640px) {
  .card td:not(:first-child), .card td code {
    overflow-wrap: anywhere !important; white-space: normal !important}
}
.card tr {border-bottom: 1px solid var(--border-color-primary) !important}
.scroll {overflow-x: auto}
.scroll table {width: 100%; border-collapse: collapse}
.scroll table, .scroll thead, .scroll tbody, .scroll tr, .scroll th, .scroll td {
  border: 0 !important}
.scroll th, .scroll td {text-align: left; padding: .45rem .6rem}
.scroll tr {border-bottom: 1px solid var(--border-color-primary) !important}
.scroll td:first-child {overflow-wrap: anywhere; min-width: 6rem}
"""
THEME = gr.themes.Soft(
    primary_hue="teal",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
