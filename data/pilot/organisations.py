"""Whose the invented records are: municipalities, UWV, and two made-up private intermediaries a region.

Nothing is drawn for it: where a record stands and its id decide, so a record is of the same organisation
however many there are beside it, and whatever file it comes from.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from data.pilot.region import Region
from data.reference import regions
from data.standard import Side

Kind = Literal["gemeente", "uwv", "privaat"]

UWV: Final = "uwv"

INTERMEDIARIES: Final = ("Werkbrug Voorbeeld", "Uitzenders Voorbeeld")
"""Names that nobody has; each has an office of its own in every region."""

SHARES: Final[dict[Side, tuple[int, int, int, int]]] = {
    "werkzoekende": (42, 46, 7, 5),
    "vacature": (25, 45, 10, 20),
}
"""Of a hundred records of a side, how many are its municipality's, UWV's, and each intermediary's. The
vacancies of the first two are what employers leave with them at their service points."""

_POSTCODES: Final[dict[Side, pl.Expr]] = {
    "werkzoekende": pl.col("mobiliteit").struct.field("bemiddelingspostcode"),
    "vacature": pl.col("adres").struct.field("postcode"),
}
_IDS: Final[dict[Side, str]] = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}


@dataclass(frozen=True)
class Organisation:
    """Who holds records.

    Attributes
    ----------
    source : what its source is called: a-z, 0-9 and -, at most 50 characters.
    name : what people call it.
    region : where it works; UWV works everywhere and has "".
    """

    source: str
    name: str
    kind: Kind
    region: str


def organisations(region: Region) -> list[Organisation]:
    """Give who holds records in a region, or several: its municipalities, UWV, its intermediaries."""
    known = regions()
    there = known.table.filter(pl.col("pc4").is_in(region.pc4.tolist()))
    municipalities = there.select("municipality", "region").unique().sort("municipality").rows()
    return [
        *(Organisation(_municipal(name), f"Gemeente {name}", "gemeente", of) for name, of in municipalities),
        Organisation(UWV, "UWV", "uwv", ""),
        *(
            Organisation(_private(name, of), f"{name} {of}", "privaat", of)
            for of in sorted(set(there["region"]))
            for name in INTERMEDIARIES
        ),
    ]


def organisation_of(records: pl.DataFrame, side: Side) -> pl.Series:
    """Give the source of the organisation that holds each record of `generate_profiles` or so, String (n,).

    A record whose postcode is not known is UWV's.
    """
    known = regions()
    postcode = records.select(_POSTCODES[side]).to_series()
    slugs = {name: _municipal(name) for name in known.municipalities["name"]}
    offices = [{name: _private(each, name) for name in known.names} for each in INTERMEDIARIES]
    region = known.region_of(postcode)
    holders = [
        known.municipality_of(postcode).replace_strict(slugs, return_dtype=pl.String),
        pl.repeat(UWV, records.height, eager=True),
        *(region.replace_strict(office, return_dtype=pl.String) for office in offices),
    ]
    # Seven digits of the id, which are drawn evenly: the eighth, in front of them, is not.
    digits = records[_IDS[side]].str.slice(1, 7).str.to_integer(base=16)
    place = pl.DataFrame({"at": digits * 100 // 16**7})
    below, chosen = 0, pl.lit(UWV)
    for share, holder in zip(SHARES[side], holders, strict=True):
        chosen = pl.when(pl.col("at").is_between(below, below + share - 1)).then(holder).otherwise(chosen)
        below += share
    return place.select(chosen.fill_null(UWV).alias("organisation")).to_series()


def by_organisation(frames: Iterable[pl.DataFrame], side: Side) -> dict[str, pl.DataFrame]:
    """Divide records over the sources of their organisations; in order of source, each with its records in
    the order given, and none without.
    """
    whole = pl.concat(frames)
    parts = whole.with_columns(organisation_of(whole, side)).partition_by(
        "organisation", as_dict=True, include_key=False, maintain_order=True
    )
    return {str(source): parts[source,] for (source,) in sorted(parts)}


def _municipal(name: str) -> str:
    return _slug(f"gemeente {name}")


def _private(name: str, region: str) -> str:
    return _slug(f"{name.split()[0]} {region}")


def _slug(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    words = "".join(each if each.isascii() and each.isalnum() else " " * each.isascii() for each in letters)
    return "-".join(words.split())
