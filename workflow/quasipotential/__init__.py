"""Steady states of random recurrent networks: simulation, sampling, mean field and replicas."""

__version__ = "0.1.0"
