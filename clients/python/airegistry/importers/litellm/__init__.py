"""LiteLLM's price map as Models and Endpoints: its keys, its facts, its prices."""
