"""Stores of secrets that secretguard brings along; the others are plugins."""
