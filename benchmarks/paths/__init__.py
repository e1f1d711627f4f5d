"""One module a path: `HELP`, `arguments(parser)` and `run(bench, options)`, which yields comparisons."""
