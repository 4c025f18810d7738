"""What is matched: the standard, files of records, places, the taxonomy, and data of a made-up region.

standard    models of the VUM standard, value lists, what is shown when
question    the selection question, read into criteria
dataset     collections of records: JSON, NDJSON and Parquet in and out
reference   postcodes and where they are
taxonomy    occupations, skills and how they are alike; linking titles to codes
pilot       a generator of a region's profiles and vacancies
files       files in and out, compressed or not, whole or not at all
errors      what can be wrong with what people hand over
"""

__all__ = ["dataset", "errors", "files", "pilot", "question", "reference", "standard", "taxonomy"]
