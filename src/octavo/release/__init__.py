"""What leaves the house: the model in the formats that others read, with its papers."""
