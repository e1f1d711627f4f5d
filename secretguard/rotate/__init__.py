"""Replaces leaked credentials at their issuers: plan, journal, audit, and the order in which things happen."""
