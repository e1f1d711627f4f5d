"""secretguard, its peers and git side by side; docs/performance.md explains. Linux; on macOS without memory."""
