"""What the gate for changes says: `words` for people, and one module for each format."""
