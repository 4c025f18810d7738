"""Records between frames and lines of JSON."""

import io
import re
from collections.abc import Sequence
from typing import Final

import polars as pl

# Polars writes a null for each absent property. Names have no escapes, and quotes within text do, so that
# what looks like a property with a null is one; regular expressions are three times as fast as a JSON parser.
_LATER_NULL: Final = re.compile(rb',"\w+":null')
_FIRST_NULL: Final = re.compile(rb'{"\w+":null,?')


def to_frame(lines: Sequence[bytes], columns: pl.Schema) -> pl.DataFrame:
    """Give records, each a JSON object with no other properties than the columns, as a frame."""
    # Four times as fast as read_ndjson.
    texts = pl.Series(lines, dtype=pl.Binary).cast(pl.String)
    return texts.str.json_decode(pl.Struct(columns)).struct.unnest()


def to_lines(frame: pl.DataFrame) -> bytes:
    """Give records as NDJSON, without the properties that are absent; each line ends in a newline."""
    with_nulls = io.BytesIO()
    frame.write_ndjson(with_nulls)
    return _FIRST_NULL.sub(b"{", _LATER_NULL.sub(b"", with_nulls.getvalue()))
