"""vlrb: vision–language model routing, from evaluation logs to honest leaderboards.

Importing the package is light; torch and pandas are loaded by the parts that need them.
"""

__version__ = "0.1.0"
