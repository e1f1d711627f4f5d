"""Find leaked credentials in working trees and git history, and group every copy into one credential."""

__version__ = "0.1.0"
