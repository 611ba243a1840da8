#!/usr/bin/env bash
# Make a folder with Debian 13's arm64 Python 3.13, which qemu-aarch64 runs on another machine (-L FOLDER).
#
#   scripts/make_arm64_root.sh FOLDER       needs debootstrap and dpkg-deb, and no root
set -euo pipefail

root="$1"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

debootstrap --download-only --arch=arm64 --variant=minbase --include=python3,libstdc++6 trixie "$scratch/debian" \
    >"$scratch/log" || {
    tail -n 20 "$scratch/log" >&2
    exit 1
}
mkdir -p "$scratch/root/proc"
ln -s usr/lib "$scratch/root/lib"
# Python, what its modules link, and the C++ library that onnxruntime links.
for name in libbz2 libc6 libexpat1 libffi libgcc-s1 liblzma libpython3 libsqlite3 libssl3 libstdc++6 libuuid1 python3 zlib1g; do
    for package in "$scratch/debian/var/cache/apt/archives/$name"*.deb; do
        dpkg-deb --extract "$package" "$scratch/root"
    done
done
rm -rf "$scratch"/root/usr/share/{doc,man}
# onnxruntime chooses its kernels by this file, and crashes without an arm64 one. This is a Neoverse N1, Graviton2's core.
cat >"$scratch/root/proc/cpuinfo" <<'CPU'
processor	: 0
BogoMIPS	: 243.75
Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x3
CPU part	: 0xd0c
CPU revision	: 1

CPU
rm -rf "$root"
mkdir -p "$(dirname "$root")"
mv "$scratch/root" "$root"
echo "$root"
