"""Documents come in: their columns, their readers, their licences."""
