"""From an Arrow table to a DataFrame in which a whole number stays one."""

import pandas as pd
import pyarrow as pa


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return a table as a DataFrame; whole numbers of which some are missing as pandas' Int64, not as floats.

    >>> frame_of(pa.table({"n": [7, None], "x": [0.5, None]})).dtypes.astype(str).to_dict()
    {'n': 'Int64', 'x': 'float64'}
    """
    frame: pd.DataFrame = table.to_pandas()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_integer(column.type) and column.null_count:
            frame[name] = pd.array(column.to_pylist(), dtype="Int64")
    return frame
