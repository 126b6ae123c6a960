"""From the user's tables to feature tables: what the models are rendered with, and how their rows reach numpy.

In: a warehouse with sources attached and a configuration. Out: `Staged` (what the data has), `Catalogue` (departments
and features by name), `FeatureTable` (arrays). What is learned from them is left to `learn`.
"""

from segwarehouse.features.catalogue import Attribute, Catalogue, name_departments, read_catalogue, slug_of
from segwarehouse.features.read import FeatureTable, LeftOut, read_features
from segwarehouse.features.staging import Staged, Window, stage, staging_models

__all__ = [
    "Attribute",
    "Catalogue",
    "FeatureTable",
    "LeftOut",
    "Staged",
    "Window",
    "name_departments",
    "read_catalogue",
    "read_features",
    "slug_of",
    "stage",
    "staging_models",
]
