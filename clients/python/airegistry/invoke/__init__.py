"""Calling models directly, by the same engine that the gateway runs."""

from airegistry.invoke.engine import Answered, Engine
from airegistry.invoke.opening import open_engine
from airegistry.invoke.origin import Origin
from airegistry.invoke.settings import EngineSettings

__all__ = ["Answered", "Engine", "EngineSettings", "Origin", "open_engine"]
