"""How good a ranking is, on customers and on a time that the learning never saw."""
