"""Commands for operators, which the command `airegistry` finds by their entry points."""
