"""Variational autoencoders as pure functions."""
