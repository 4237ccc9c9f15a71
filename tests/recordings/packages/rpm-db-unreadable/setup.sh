set -eu
cd "$(rpm --eval %_dbpath)"
head -c 5000 rpmdb.sqlite >cut.sqlite
mv cut.sqlite rpmdb.sqlite
