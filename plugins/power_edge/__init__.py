"""Power Edge: is this machine what its configuration says it is?"""
