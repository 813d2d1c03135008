#!/usr/bin/env bash
# Installs what the demo and the tests need and this Debian machine lacks.
set -euo pipefail

packages=(
    gcc libc6-dev
    mininet openvswitch-switch
    ethtool fping iperf3 iproute2 iputils-ping libfaketime procps socat tcpdump
    python3 python3-matplotlib python3-pip python3-pytest python3-requests python3-tqdm
    python3-os-ken tshark chromium
)

if ! command -v cargo >/dev/null; then
    echo "cargo is not installed. Godwit needs Rust 1.91 or later, which Debian doesn't have: see https://rustup.rs" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "${missing[@]}"
