"""Features as of one cut-off: built, checked and read.

In: staged transactions and a window. Out: a `FeatureTable`. Which windows there are is left to the caller, and so is
where their features are: those of now where their names say, those of a former cut-off in a place of their own.
"""

from collections.abc import Callable

from segwarehouse.config import Config, LearningConfig
from segwarehouse.features.catalogue import Catalogue
from segwarehouse.features.read import FeatureTable, read_features
from segwarehouse.features.staging import Window
from segwarehouse.progress import counted
from segwarehouse.project import build, load_models, run_check
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import AS_NAMED, Engine, Places, SchemaPlace

CUTOFFS = "cutoffs"
"""The schema that holds the features of all former cut-offs, with the day of the cut-off behind their names."""

_LEAK_CHECKS = 4
"""The leak check looks at one department in about so many parts of them, others in each run."""

Tell = Callable[[str, float], None]
"""Called with what is being done, and how much of the whole is done, 0 to 1."""


def build_features(
    config: Config,
    warehouse: Engine,
    models: TemplateFolder,
    catalogue: Catalogue,
    window: Window,
    tell: Tell = lambda _subject, _share: None,
    places: Places = AS_NAMED,
) -> FeatureTable:
    """Build the feature models as of a cut-off, check them, and read them; tell what is done, and how much of that."""
    context = feature_context(catalogue, window, config.learning)
    built, checks = load_models(models, "features", context), load_models(models, "checks", context)
    before = counted(tell, len(built) + len(checks) + 1)
    build(warehouse, built, before, places)
    for check in checks:
        before(str(check.relation))
        run_check(warehouse, check, places)
    before("reading features")
    return read_features(warehouse, catalogue, places)


def places_at(window: Window) -> Places:
    """Return where features as of a former cut-off are.

    >>> import datetime as dt
    >>> from segwarehouse.features.read import CUSTOMERS
    >>> print(places_at(Window(dt.datetime(2017, 7, 1), 91, 28, None)).of(CUSTOMERS))
    cutoffs.customers_20170701
    """
    return Places(schemas={"features": SchemaPlace(CUTOFFS, suffix=f"_{window.cutoff:%Y%m%d}")})


def feature_context(catalogue: Catalogue, window: Window, learning: LearningConfig) -> dict[str, object]:
    """Return what `models/features/` and `models/checks/` are rendered with."""
    parts = max(1, len(catalogue.departments) // _LEAK_CHECKS)
    return {
        **catalogue.context(),
        **window.context(),
        "max_customers": learning.max_customers,
        "seed": learning.seed,
        "leak_stride": parts,
        "leak_offset": window.cutoff.toordinal() % parts,
    }
