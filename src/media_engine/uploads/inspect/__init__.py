"""Looking into what was uploaded: is it what was declared, is it whole, and what is it?

    Reader ─ Window      so many reads, bytes and steps, whatever the file says
             ├ magic     the first bytes decide what the file is
             └ a parser  for each type one: Facts, or a Refusal

Nothing is decoded, so what a header says is believed as far as it does not contradict itself, its
format or the file's length. What each type is asked, and what it is not, is in
`docs/inspection.md`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from media_engine.uploads.inspect import avif, gif, jpeg, mp4, pdf, png, svg, webm, webp
from media_engine.uploads.inspect.facts import Facts
from media_engine.uploads.inspect.magic import recognise
from media_engine.uploads.inspect.refusal import Cause, Refusal
from media_engine.uploads.inspect.window import Reader, Window

__all__ = ["PARSERS", "Cause", "Facts", "Reader", "Refusal", "inspect"]

PARSERS: Final[Mapping[str, Callable[[Window], Awaitable[Facts]]]] = {
    "image/jpeg": jpeg.inspect,
    "image/png": png.inspect,
    "image/webp": webp.inspect,
    "image/gif": gif.inspect,
    "image/svg+xml": svg.inspect,
    "image/avif": avif.inspect,
    "video/mp4": mp4.inspect,
    "video/webm": webm.inspect,
    "application/pdf": pdf.inspect,
}


async def inspect(content_type: str, reader: Reader) -> Facts:
    """Look into a file.

    Costs at most `window.MOST_READS` operations of the store, one for most files, and brings at
    most `window.MOST_BYTES` bytes of it in, most often `window.PREFIX_BYTES`.

    Args:
        content_type: the type that was declared; one of `uploads.model.MEDIA_TYPES`.
        reader: reads the file.

    Returns:
        What the file says of itself.

    Raises:
        Refusal: it is not of this type, or cut off, or not to be trusted.
        R2Unavailable: the store did not answer.
    """
    window = Window(reader)
    magic = recognise(await window.prefix())
    if window.size == 0:
        raise Refusal(Cause.CUT_OFF, "The file is empty.")
    if magic.media_type != content_type:
        raise Refusal(
            Cause.OTHER_TYPE, f"The file is {magic.name}, and {content_type} was declared."
        )
    return await PARSERS[content_type](window)
