"""An OpenAI-compatible HTTP provider around two small models, trained at start on Python's own documentation."""
