"""`segwarehouse.toml`: what may stand there (`tables.py`, `kinds.py`), and how it is read and written."""

from segwarehouse.config.columns import words_of
from segwarehouse.config.kinds import UNIX_FORMATS, DatabaseUrl
from segwarehouse.config.read import CONFIG_NAME, load_config
from segwarehouse.config.tables import Config, ExtraSource, LearningConfig, Setting, SourceConfig, settings
from segwarehouse.config.write import render_config

__all__ = [
    "CONFIG_NAME",
    "UNIX_FORMATS",
    "Config",
    "DatabaseUrl",
    "ExtraSource",
    "LearningConfig",
    "Setting",
    "SourceConfig",
    "load_config",
    "render_config",
    "settings",
    "words_of",
]
