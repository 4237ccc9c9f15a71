set -eu
rpms petilde2 '1.0^git1' 1 noarch
