"""What became of new data, as values and in words."""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.data.checks.report import CheckReport
from sparrow.plain_text import first_of


@dataclass(frozen=True)
class IngestResult:
    """What became of the new photos.

    Attributes:
        accepted: names of the photos added to the raw set.
        corrected: names of those it had already, whose rows or boxes were replaced.
        skipped_known: photos that were there already, in every respect.
        report: of the checks of the new data; None when there was none.
        data_version: of the raw set now; None when there is none.
        left: files that stay in ``config.new``: no table names them, they are new or changed
            meanwhile, or cannot be removed.
        renamed: of each photo that came under another name than the raw set's, both names and what
            became of it, in words.
    """

    accepted: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()
    skipped_known: int = 0
    report: CheckReport | None = None
    data_version: str | None = None
    left: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """What became of the photos, in lines for people."""
        lines = [
            f"{len(self.accepted)} photos taken in, {len(self.corrected)} corrected, "
            f"{self.skipped_known} known already"
        ]
        if self.renamed:
            lines.append(
                f"{len(self.renamed)} came under another name and were matched by content: "
                f"{first_of(self.renamed)}"
            )
        if self.left:
            lines.append(
                f"{len(self.left)} files stay in the folder of new data: {first_of(self.left)}"
            )
        return lines
