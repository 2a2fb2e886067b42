"""Pages, cards and figures: values in, HTML, Markdown or PNG out; no store is read here."""
