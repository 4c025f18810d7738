"""Collections of records as JSON, NDJSON and Parquet, in and out, as Polars frames.

schema      the columns of a frame of records
read        a file -> Dataset: one frame and what was rejected
batches     a file -> Batches: frame after frame, in bounded memory
write       frames -> a file
"""

from data.dataset.reading import Batches, Dataset, OnError, Rejection, batches, read
from data.dataset.schema import ID_FIELDS, schema
from data.dataset.writing import write

__all__ = ["ID_FIELDS", "Batches", "Dataset", "OnError", "Rejection", "batches", "read", "schema", "write"]
