set -eu
rpm --erase --nodeps --allmatches pelib
rpms pelib 2.34 60 x86_64
rpms pelib 2.34 60 i686
