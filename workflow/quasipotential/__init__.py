"""Steady states of random recurrent networks: simulation, sampling, mean-field and replica theory."""

__version__ = "0.1.0"
