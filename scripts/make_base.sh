#!/usr/bin/env bash
# Build a small base image: Debian 13 with its Python 3.13 and AWS's runtime client, without Docker.
#
#   scripts/make_base.sh [TAG]       as root; needs debootstrap, buildah and python3 with pip
set -euo pipefail
cd "$(dirname "$0")/.."

tag="${1:-localhost/lambda-python:3.13}"
python="${PYTHON:-python3}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

debootstrap --variant=minbase --include=python3 trixie "$scratch/root" >"$scratch/log" || {
    tail -n 20 "$scratch/log" >&2
    exit 1
}
rm -rf "$scratch"/root/var/cache/apt/* "$scratch"/root/var/lib/apt/lists/* "$scratch"/root/usr/share/{doc,man,locale}/*
"$python" -m pip install --quiet --disable-pip-version-check --target "$scratch/root/usr/lib/python3/dist-packages" \
    --constraint constraints.txt --only-binary=:all: --python-version 3.13 --implementation cp \
    --platform "manylinux2014_$(uname -m)" --platform "manylinux_2_28_$(uname -m)" awslambdaric

container="$(buildah from scratch)"
buildah copy --quiet "$container" "$scratch/root" / >/dev/null
buildah commit --quiet --rm "$container" "$tag" >/dev/null
echo "$tag"
