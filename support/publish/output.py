"""Output: generated pages and charts are written whole or not at all, and never outside their folder."""

from pathlib import Path

from common.files import write_text
from support.publish import sources


def write(path: Path, text: str, root: Path) -> None:
    """Write a page within the folder `root`. Raises OSError with the page's name."""
    reason = sources.problem(path.parent, root)
    if reason:
        sources.skip(path, reason)
        return
    try:
        write_text(path, text)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
