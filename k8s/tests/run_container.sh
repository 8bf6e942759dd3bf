#!/bin/sh
# The inside of a container, for pods.py: runs as the first process of new mount, process, host name
# and network namespaces, makes the file system what the manifest says, and becomes the program.
# Arguments: HOSTNAME HOSTS-FILE WORKDIR, then any of
#   --bind DIR AT   a folder of the "image" or of a ConfigMap, to be seen at AT
#   --empty DIR     an emptyDir
# then -- COMMAND...
set -eu
mount --make-rprivate /
hostname "$1"
mount --bind "$2" /etc/hosts
workdir=$3
shift 3

# What is to be seen is kept at hand before anything is mounted over it.
keep=/run
mount -t tmpfs -o mode=755 tmpfs "$keep"
count=0 places='' replaced=' /usr /bin /lib /lib64 /etc /opt '
while [ "$1" != -- ]; do
  case $1 in
    --bind)
      count=$((count + 1))
      mkdir "$keep/$count"
      mount --bind "$2" "$keep/$count"
      places="$places $3"
      shift 3
      ;;
    --empty)
      empty="${empty:-} $2"
      shift 2
      ;;
    *)
      echo "run_container.sh: unknown option $1" >&2
      exit 2
      ;;
  esac
done
shift
for folder in ${empty:-}; do
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$folder"
  replaced="$replaced$folder "
done

# Each place's top folder is replaced by one that holds nothing else, as in an image. (Also, user 10001
# could not pass through /root.)
count=0
for place in $places; do
  count=$((count + 1))
  top=/$(printf '%s' "${place#/}" | cut -d/ -f1)
  case $replaced in
    *" $top "*) ;;
    *)
      mount -t tmpfs -o mode=755 tmpfs "$top"
      replaced="$replaced$top "
      ;;
  esac
  mkdir -p "$place"
  mount --bind "$keep/$count" "$place"
  mount -o remount,bind,ro "$place"
done
umount -l "$keep"
mount -o remount,bind,ro /
cd "$workdir"
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all -- "$@"
