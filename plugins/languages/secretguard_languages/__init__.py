"""How each kind of file says "the value of an environment variable": the rewriters of secretguard."""
