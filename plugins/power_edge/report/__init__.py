"""Reports for people and machines, one module per format. Nothing here knows pytest."""
