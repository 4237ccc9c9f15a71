"""What tools print and keep: the output of nft, iptables-save and ipset, and the files of ufw."""
