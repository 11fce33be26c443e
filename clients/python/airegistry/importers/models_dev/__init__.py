"""A file in the form of models.dev's `api.json` as Models and Endpoints."""
