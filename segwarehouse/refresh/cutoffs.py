"""Features as of every cut-off: built, checked and read.

In: a working database with staged transactions. Out: a `FeatureTable` a cut-off, those of the past first, and what
learning from each depends on. What is learned from them is left to `departments.py`.
"""

from segwarehouse.config import Config
from segwarehouse.evaluate.splits import STEPPING_BACK, choose_protocol, cutoffs
from segwarehouse.features import Catalogue, FeatureTable, Staged
from segwarehouse.features.build import Tell, build_features, feature_context, places_at
from segwarehouse.features.later_data import require_no_later_data
from segwarehouse.project import load_models
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import AS_NAMED, Engine


def build_cutoffs(
    config: Config, warehouse: Engine, models: TemplateFolder, staged: Staged, catalogue: Catalogue, tell: Tell
) -> tuple[list[FeatureTable], FeatureTable]:
    """Return the features as of the cut-offs that rankings are judged at, the latest first, and those of now.

    Where there are no usable times, customers are held out of the features of now.
    """
    steps_back = choose_protocol(config, staged) == STEPPING_BACK
    windows = [*cutoffs(config, staged), staged.window(config)]
    tables = []
    for position, window in enumerate(windows):
        part, is_now = _part(tell, position, len(windows)), position == len(windows) - 1
        places = AS_NAMED if is_now else places_at(window)
        tables.append(build_features(config, warehouse, models, catalogue, window, part, places))
        if steps_back and position == len(windows) - 2:
            built = load_models(models, "features", feature_context(catalogue, window, config.learning))
            require_no_later_data(warehouse, config, catalogue, built, window, places)
    *pasts, now = tables
    return pasts or [now], now


def _part(tell: Tell, position: int, parts: int) -> Tell:
    return lambda subject, share: tell(subject, (position + share) / parts)
