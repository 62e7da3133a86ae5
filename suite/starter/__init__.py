"""A new workspace from a table: its columns and splits are read, and the files of a first comparison are written."""
