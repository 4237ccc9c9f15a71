"""Sets of packets, and what a packet filter does with them."""
