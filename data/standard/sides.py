"""The two sides of a match, and what belongs to each."""

from typing import Any, Final, Literal, cast

from data.standard.disclosure import marked, without_detail
from data.standard.fields import Object
from data.standard.vacature import Vacature
from data.standard.werkzoekende import Werkzoekende

Side = Literal["werkzoekende", "vacature"]
"""A side of a match: the jobseekers' profiles, or the vacancies."""

_MODELS: Final[dict[Side, type[Object]]] = {"werkzoekende": Werkzoekende, "vacature": Vacature}


def model_of(side: Side) -> type[Object]:
    """Give the model of a side's full record: `Werkzoekende` or `Vacature`."""
    return _MODELS[side]


def at_match_level(record: dict[str, Any], side: Side) -> dict[str, Any]:
    """Give a record as a match shows it: without what the models mark as shown in the detail only.

    Parameters
    ----------
    record : a record of the side as JSON has it. It is left as it is.
    side : whose record it is.

    Returns
    -------
    A new dict, which shares what is unmarked with `record`. The source's own id is left out too: who sends
    the match adds the vumID (a source: its id), which the models of a match ask for.
    """
    return cast(dict[str, Any], without_detail(record, marked(model_of(side))))
