"""The nouns of the engine: frozen dataclasses and pure rules, standard library only."""
