"""Turn a running machine into its configuration: read it, judge, write the files."""
