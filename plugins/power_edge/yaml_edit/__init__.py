"""Write YAML: new files, and edits that keep the format of a person."""
