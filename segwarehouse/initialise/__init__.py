"""A first configuration from a look at the transactions.

In: a file that nobody has described. Out: which column plays which part, how sure that is and why, and a commented
`segwarehouse.toml`. Whether a refresh can use the data is left to `segwarehouse check`.
"""

from segwarehouse.initialise.folder import Initialised, initialise

__all__ = ["Initialised", "initialise"]
