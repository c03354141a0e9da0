"""The repairs: one module a kind of damage, and `signs`, which finds the texts that could need one."""
