#!/bin/sh
# secrets.sh FOLDER: makes the lab's secrets, each at random and each once; one that is there is left as it is.
#   FOLDER/database/password   FOLDER/admin/key   FOLDER/workers/join-token   FOLDER/metrics/key
# They are files that every account may read: who may see one is decided by who gets its folder mounted.
set -eu
folder=${1:?usage: secrets.sh FOLDER}

random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

# a rename, so that a reader sees all of it or nothing
keep() {
  [ -s "$1" ] && return
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
}

keep "$folder/database/password" "$(random)"
keep "$folder/admin/key" "pmf_$(random)"
keep "$folder/workers/join-token" "$(random)"
keep "$folder/metrics/key" "pmm_$(random)"
