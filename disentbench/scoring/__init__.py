"""Metrics of representations, their calibration, and statistics over seeds."""
