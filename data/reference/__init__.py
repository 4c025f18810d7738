"""Where Dutch postcodes are, and in which municipality and labour-market region.

    locations.py       postcode number (PC4) to coordinates, place and province
    areas.py           PC4 to municipality and region, regions by name, their borders
    postcodes.parquet  made by build_postcodes.py
    municipalities.csv kept by hand
    outlines.geojson   made by build_outlines.py

Where the data come from, and what was changed, is told in `ATTRIBUTION.md`.
"""

from data.reference.areas import Regions, outlines, regions
from data.reference.locations import NO_LOCATION, SHIPPED, Postcodes, plane, postcodes

__all__ = ["NO_LOCATION", "SHIPPED", "Postcodes", "Regions", "outlines", "plane", "postcodes", "regions"]
