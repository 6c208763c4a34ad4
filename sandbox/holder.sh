#!/bin/sh
# Becomes the node's first process, in network, mount and PID namespaces of its own (started by `unshare`). All that
# runs, is mounted or listens on the node lives in these, and ends with this process.
set -eu
state=$1

# One node for each state folder, whoever starts one and however that went on. Held as long as this process lives.
exec 9> "$state/holder.lock"
flock --nonblock 9

# The machine's /proc is still mounted here, so this is our id as the machine counts it (and 22: when we started).
read -r stat < /proc/self/stat
mount -t proc proc /proc

# The kubelet shares mounts with its containers; nothing of it reaches the machine.
mount --make-rshared /

# What the node's programs keep in fixed places must neither meet the machine's nor stay behind on it.
mkdir -p "$state/kubelet" "$state/log"
mount --bind "$state/log" /var/log
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir /run/lock /var/lib/kubelet
mount --bind "$state/kubelet" /var/lib/kubelet

echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up

echo "$stat" > "$state/holder.part"
mv "$state/holder.part" "$state/holder"
# Asked to end with all the others (`kill -1`), the node stays until its pods have ended.
exec tini -- sh -c 'trap "" TERM; exec sleep infinity'
