"""Blobs in, matches out: prefilter, precise pass, decoding."""
