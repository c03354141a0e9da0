"""OCR correction: what was misread is put right, and nothing else."""
