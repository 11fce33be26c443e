"""What is registered: models, endpoints, agents and routes, as frozen values that mirror the messages."""
