"""The nouns of the engine, frozen. Empty on purpose: import the module that has the noun."""
