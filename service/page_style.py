"""Colours, fonts and style sheet of the page; nothing of it is fetched from another host."""

from __future__ import annotations

import gradio as gr

STYLE = """
.gradio-container {max-width: 1080px !important; width: 100% !important; min-width: 0 !important;
  margin: 0 auto !important}
.answer {padding: .25rem 0 .5rem}
.answer h2 {font-size: clamp(1.6rem, 5vw, 2.6rem); line-height: 1.15; margin: 0; font-weight: 700}
.answer p {margin: .35rem 0 0; font-size: 1.05rem; opacity: .85}
.examples .grid-container {grid-template-columns: repeat(3, 1fr) !important}
.examples .thumbnail-lg {aspect-ratio: 4 / 3 !important; height: auto !important}
.examples, .examples .grid-wrap {min-height: 0 !important; height: auto !important}
.card table {display: block; overflow-x: auto; border: 0 !important; font-size: .95rem}
.card tr, .card th, .card td {border: 0 !important; padding: .4rem .7rem .4rem 0 !important;
  overflow-wrap: normal !important; word-break: normal !important}
.card tr {border-bottom: 1px solid var(--border-color-primary) !important}
.scroll {overflow-x: auto}
.scroll table {width: 100%; border-collapse: collapse}
.scroll table, .scroll thead, .scroll tbody, .scroll tr, .scroll th, .scroll td {
  border: 0 !important}
.scroll th, .scroll td {text-align: left; padding: .45rem .6rem}
.scroll tr {border-bottom: 1px solid var(--border-color-primary) !important}
.scroll td:first-child {overflow-wrap: anywhere; min-width: 6rem}
@media (max-width: 640px) {
  .scroll th, .scroll td {padding: .4rem .35rem; font-size: .9rem}
  .side-by-side, .controls, .controls .form {flex-direction: column !important}
}
"""
THEME = gr.themes.Soft(
    primary_hue="teal",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
