"""The nouns of the engine, as frozen values. Empty on purpose: import the module that has the noun."""
