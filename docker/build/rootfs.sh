#!/bin/sh
# Fills a folder with all that an image without a distribution needs to run the programs named:
# them, the libraries they load, certificates, a user, and for each Debian package that a file comes from
# its licence and its entry for scanners (as distroless images have them).
set -eu
if [ $# -lt 2 ]; then
  echo "usage: rootfs.sh FOLDER PROGRAM..." >&2
  exit 2
fi
root=$1
shift
here=$(dirname "$0")

mkdir -p "$root/usr/lib" "$root/usr/lib64" "$root/usr/local/bin" "$root/etc/ssl/certs" \
  "$root/home/locust" "$root/tmp" "$root/var/lib/dpkg/status.d"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
chmod 1777 "$root/tmp"
cp "$@" "$root/usr/local/bin/"

# A library is a link with the name that programs ask for, and the file it leads to.
ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/.*ld-linux/ { print $1 }' | sort -u |
  while read -r library; do
    file=$(readlink -f "$library")
    mkdir -p "$root${file%/*}" "$root${library%/*}"
    cp "$file" "$root$file"
    [ -e "$root$library" ] || ln -s "$file" "$root$library"
  done

cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
printf 'root:x:0:0:root:/root:/sbin/nologin\nlocust:x:10001:10001::/home/locust:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nlocust:x:10001:\n' >"$root/etc/group"

for package in $("$here/linked-packages.sh" "$@") ca-certificates; do
  mkdir -p "$root/usr/share/doc/$package"
  cp "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
  dpkg -s "$package" >"$root/var/lib/dpkg/status.d/$package"
  for sums in "/var/lib/dpkg/info/$package.md5sums" "/var/lib/dpkg/info/$package:"*.md5sums; do
    [ ! -e "$sums" ] || cp "$sums" "$root/var/lib/dpkg/status.d/$package.md5sums"
  done
done
