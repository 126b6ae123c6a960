"""From a card of rules to SQL and back to words: simplify, compile, describe, prove."""
