"""Reporters: `Report` -> text, JSON, JSON lines or SARIF."""
